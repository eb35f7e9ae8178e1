"""Without what `eastwest.py` makes."""

from pyinfra import host

from meshctl.operations import objects

objects.absent(name="East-west gateway", access=host.data.kubernetes, manifests=host.data.eastwest)
