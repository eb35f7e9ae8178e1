"""The mesh's certificate authorities: a root, one intermediate for each cluster, and the directory they live in."""
