"""A cluster's name server: a small program of its own that answers from a file, so that names outlive controllers.

Only the standard library is imported here: there is one such process on every node.
"""
