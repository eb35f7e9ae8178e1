"""Topologies that need no file: the course's classroom, its Vagrant twin, and one of another shape."""
