"""The Service of the east-west gateway, with the addresses from which istiod learns where it is."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="East-west gateway", access=host.data.kubernetes, manifests=host.data.eastwest)
