"""`python -m tests.live.mesh.ask_tables PROXY...`: each proxy's endpoints of productpage, from its Envoy, as JSON.

A proxy is CLUSTER/DEPLOYMENT.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from meshctl.mesh import admin, clusters
from meshctl.mesh.endpoints import table
from meshctl.providers import choose
from meshctl.validate import find_topology

HOST = "productpage.istio.svc.cluster.local"


def main(proxies: list[str]) -> None:
    topology = find_topology(preset="classroom")
    mesh = clusters.connect(topology, choose.provider(topology).forwarded())
    pods = clusters.survey(mesh).proxies
    asked = [
        next(pod for pod in pods if pod.cluster == cluster and pod.name.startswith(f"{deployment}-"))
        for cluster, _, deployment in (proxy.partition("/") for proxy in proxies)
    ]
    tables = clusters.together(lambda pod: table(admin.clusters(mesh, pod), admin.endpoints_dump(mesh, pod)), asked)
    found = {
        proxy: [dataclasses.asdict(one) for one in rows if HOST in one.cluster]
        for proxy, rows in zip(proxies, tables, strict=True)
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
