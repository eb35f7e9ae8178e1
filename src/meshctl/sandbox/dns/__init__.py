"""A cluster's name server: a small program of its own that answers from a file, so that names outlive controllers.

There is one such process on every node: only what is small of the standard library is imported, no `dataclasses`.
"""
