"""Runs pyinfra deploys on many hosts at once, in a worker process of its own that talks JSON lines.

The worker is apart because gevent patches the standard library, which must not happen to the command line.
"""
