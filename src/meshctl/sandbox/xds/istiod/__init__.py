"""The live control plane: watches API servers and serves the translations to Envoys over gRPC.

Flow: `informer` (lists and watches of a cluster) -> `world` (the mesh of the moment) -> `translation` (what each proxy
should have) -> `subscription` (what it lacks) -> `discovery` (gRPC). `authority`, `secrets` and `authentication`:
who is who. `webhook`, `injection`: sidecars into pods. `debug`: what proxies acknowledged. `serve` wires it all.
"""
