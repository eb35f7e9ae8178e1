"""Back to what `up` left: what others applied or changed in the mesh's namespaces is found and undone."""
