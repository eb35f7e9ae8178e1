"""The rules of the built-in kinds, in Kubernetes' words (k8s.io/kubernetes, pkg/apis/*/validation, 1.36)."""
