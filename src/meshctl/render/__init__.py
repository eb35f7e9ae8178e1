"""Topology to manifests: pure functions that return Kubernetes and Istio objects as dicts."""
