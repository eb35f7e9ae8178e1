"""What is special about a kind: the registry strategies of kube-apiserver."""
