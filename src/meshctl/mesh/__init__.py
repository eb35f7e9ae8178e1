"""The live mesh as its users see it: through the clusters' APIs and the proxies' own admin interfaces."""
