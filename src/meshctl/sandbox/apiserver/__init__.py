"""The embedded Kubernetes API server: one process per cluster, aiohttp in front of SQLite."""
