"""Without what `exposure.py` makes."""

from pyinfra import host

from meshctl.operations import objects

objects.absent(name="Exposure", access=host.data.kubernetes, manifests=host.data.exposure)
