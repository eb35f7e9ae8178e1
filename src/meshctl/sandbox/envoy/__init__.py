"""The bootstrap of the Envoy in a pod, as Istio's agent writes it: pure, `identity` and `bootstrap.document`."""
