"""The embedded mesh: hosts, Kubernetes, Envoy and Bookinfo on one machine."""
