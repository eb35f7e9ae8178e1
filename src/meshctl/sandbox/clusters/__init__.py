"""The Kubernetes API of each cluster: its certificates, its server and its controllers as programs of the sandbox."""
