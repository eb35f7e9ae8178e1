"""The embedded Kubernetes hosts, API servers, controllers and mesh control plane."""
