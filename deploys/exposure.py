"""What the east-west gateways let through: services, and the primary's istiod."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="Exposure", access=host.data.kubernetes, manifests=host.data.exposure)
