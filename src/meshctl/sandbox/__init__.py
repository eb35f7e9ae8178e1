"""The classroom on one machine: hosts, Kubernetes API, controllers and mesh, embedded."""
