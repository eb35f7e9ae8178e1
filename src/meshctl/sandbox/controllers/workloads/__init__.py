"""Workloads: Deployments to ReplicaSets, ReplicaSets to Pods, Pods to nodes, as kube-controller-manager does it."""
