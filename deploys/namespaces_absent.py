"""Without what `namespaces.py` makes."""

from pyinfra import host

from meshctl.operations import objects

objects.absent(name="Namespaces", access=host.data.kubernetes, manifests=host.data.namespaces)
