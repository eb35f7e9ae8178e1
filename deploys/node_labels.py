"""Node labels from which istiod reads a pod's locality."""

from pyinfra import host

from meshctl.operations import objects

objects.applied(name="Node labels", access=host.data.kubernetes, manifests=host.data.node_labels)
