"""A Kubernetes API server for one cluster."""
