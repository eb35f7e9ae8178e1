"""The address at which the primary's ingress gateway takes HTTP from outside the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.errors import UsageError
from meshctl.mesh.clusters import Mesh
from meshctl.mesh.pod import Pod

SERVICES, NODES = "/api/v1/services", "/api/v1/nodes"
SELECTOR = ("istio", "ingressgateway")
HTTP = 80
Object = Mapping[str, Any]


def address(mesh: Mesh, gateways: Sequence[Pod]) -> tuple[str, int]:
    """Host and port: a load balancer's or an external IP, else the node port on a node; UsageError if there is none.

    `gateways`: the pods of the ingress gateway, on whose nodes the port surely works.
    """
    client = mesh.clients[mesh.topology.primary.name]
    services = [one for one in _items(client.read(SERVICES)) if SELECTOR in (one["spec"].get("selector") or {}).items()]
    nodes = _items(client.read(NODES))
    for service in services:
        for found in _addresses(service, _near(nodes, gateways)):
            return found
    primary = mesh.topology.primary.name
    raise UsageError(f"{primary} has no ingress gateway with an HTTP port; `meshctl up` builds it")


def _addresses(service: Object, nodes: Sequence[Object]) -> Iterator[tuple[str, int]]:
    ports = [one for one in service["spec"].get("ports") or () if one["port"] == HTTP or one.get("name") == "http2"]
    balanced = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    hosts = [one.get("ip") or one.get("hostname") or "" for one in balanced]
    for port in ports:
        for host in [*hosts, *(service["spec"].get("externalIPs") or ())]:
            yield str(host), int(port["port"])
        for node in nodes:
            if port.get("nodePort"):
                yield _internal(node), int(port["nodePort"])


def _near(nodes: Sequence[Object], gateways: Sequence[Pod]) -> list[Object]:
    names = {one.node for one in gateways}
    return sorted((one for one in nodes if _internal(one)), key=lambda one: one["metadata"]["name"] not in names)


def _internal(node: Object) -> str:
    stated = (node.get("status") or {}).get("addresses") or ()
    return str(next((one["address"] for one in stated if one["type"] == "InternalIP"), ""))


def _items(found: Object | None) -> list[Object]:
    return list((found or {}).get("items") or ())
