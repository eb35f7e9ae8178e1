"""Bookinfo's servers: Istio's sample application with the same names, paths, answers and failures, in little memory.

    python -m meshctl.sandbox.bookinfo productpage|details|reviews|ratings [PORT]

Configured by upstream's environment variables (`settings`); `fault` has the switches that make a server fail.
"""
