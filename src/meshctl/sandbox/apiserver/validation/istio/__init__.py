"""Istio's objects: their CRDs, and the verdicts of istiod's validating webhook on them."""
