"""Bookinfo in every cluster, and in the primary the way into it."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="Bookinfo", access=host.data.kubernetes, manifests=host.data.bookinfo)
