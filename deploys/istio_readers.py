"""The account through which the primary's istiod reads a remote cluster, with a lasting token."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="Istio readers", access=host.data.kubernetes, manifests=host.data.readers)
