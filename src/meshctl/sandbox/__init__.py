"""The sandbox: hosts, Kubernetes and a mesh on one machine."""
