"""Controllers of one cluster, which know it only by its HTTP API."""
