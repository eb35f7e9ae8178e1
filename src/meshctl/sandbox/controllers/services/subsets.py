"""The Endpoints of a Service with a selector (Kubernetes 1.31, pkg/controller/endpoint)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.controllers.services import endpoints
from meshctl.sandbox.controllers.services.endpoints import HEADLESS, Object, Port, Seen

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
CONTROLLER = "endpoint-controller"


def wanted(service: Seen, pods: Iterable[Seen]) -> Object:
    """The Endpoints of a Service; pods that are going are left out."""
    metadata = service["metadata"]
    own = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HEADLESS}
    more = {HEADLESS: ""} if endpoints.is_headless(service) else {}
    named = {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "labels": {**own, MANAGED_BY: CONTROLLER, **more},
    }
    subsets = _subsets(service, endpoints.members(service, pods))
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": named, "subsets": subsets}


def _subsets(service: Seen, pods: Iterable[Seen]) -> list[Object]:
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[tuple[Port, ...], Object] = {}
    for pod in pods:
        found = endpoints.ports(service, pod)
        if (endpoints.is_terminating(pod) and not anyway) or (service["spec"].get("ports") and not found):
            continue
        key = "addresses" if anyway or endpoints.is_ready(pod) else "notReadyAddresses"
        groups.setdefault(tuple(sorted(found)), {}).setdefault(key, []).append(_address(service, pod))
    return [
        {**group, **({"ports": [_port(one) for one in ports]} if ports else {})}
        for ports, group in sorted(groups.items())
    ]


def _port(port: Port) -> Object:
    made = port.describe()
    return made if port.name else {key: value for key, value in made.items() if key != "name"}


def _address(service: Seen, pod: Seen) -> Object:
    more = {"hostname": endpoints.hostname(service, pod), "nodeName": pod["spec"].get("nodeName")}
    named = {key: value for key, value in more.items() if value}
    return {"ip": endpoints.address(pod), **named, "targetRef": endpoints.target(pod)}


def is_same(live: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether stored Endpoints say what is wanted."""
    labels = live["metadata"].get("labels")
    return bool((live.get("subsets") or []) == made["subsets"] and labels == made["metadata"]["labels"])
