"""Without what `bookinfo.py` makes."""

from pyinfra import host

from meshctl.operations import objects

objects.absent(name="Bookinfo", access=host.data.kubernetes, manifests=host.data.bookinfo)
