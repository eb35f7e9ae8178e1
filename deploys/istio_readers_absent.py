"""Without what `istio_readers.py` makes."""

from pyinfra import host

from meshctl.operations import objects

objects.absent(name="Istio readers", access=host.data.kubernetes, manifests=host.data.readers)
