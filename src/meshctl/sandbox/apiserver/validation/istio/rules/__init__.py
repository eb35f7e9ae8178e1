"""The rules of istiod's webhook, one file per kind (Istio 1.31, pkg/config/validation)."""
