"""The node agents of one cluster: pods bound to its nodes become namespaces and processes of the sandbox."""
