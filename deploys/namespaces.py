"""The mesh's namespaces, with the labels that istiod reads."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="Namespaces", access=host.data.kubernetes, manifests=host.data.namespaces)
