"""Label and field selectors: parsed in Kubernetes' words, matched against objects, pushed down into the store."""
