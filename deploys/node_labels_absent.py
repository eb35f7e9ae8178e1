"""Nodes without the labels that we gave them."""

from pyinfra import host

from meshctl.operations import objects

objects.released(name="Node labels", access=host.data.kubernetes, manifests=host.data.node_labels)
