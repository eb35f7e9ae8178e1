"""Services and pods as small as they can be."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
HTTP: Object = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}


def service(name: str = "web", *ports: Object, **spec: Any) -> Object:
    """A Service in namespace shop that selects app=NAME."""
    body = {"selector": {"app": name}, "clusterIP": "10.68.0.20", "ports": list(ports or (HTTP,)), **spec}
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"team": "a"}}
    return {"metadata": metadata, "spec": body}


def pod(name: str, address: str, node: str = "n1", ready: bool = True, going: bool = False, **spec: Any) -> Object:
    """A pod with label app=web."""
    metadata: Object = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"app": "web"}}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "podIP": address, "conditions": conditions}
    return {"metadata": metadata, "spec": {"nodeName": node, **spec}, "status": status}


def backed(made: Object, *endpoints: tuple[str, str], **conditions: bool) -> Object:
    """An EndpointSlice of a Service with these (address, node) at port 8080."""
    found = [{"addresses": [address], "nodeName": node, "conditions": conditions} for address, node in endpoints]
    labels = {"kubernetes.io/service-name": made["metadata"]["name"]}
    ports = [
        {"name": one.get("name", ""), "port": 8080, "protocol": one.get("protocol", "TCP")}
        for one in made["spec"]["ports"]
    ]
    metadata = {"name": f"{made['metadata']['name']}-x", "namespace": "shop", "labels": labels}
    return {"metadata": metadata, "addressType": "IPv4", "endpoints": found, "ports": ports}
