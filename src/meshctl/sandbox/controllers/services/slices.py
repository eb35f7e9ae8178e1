"""EndpointSlices of a Service with a selector (Kubernetes 1.31, staging/src/k8s.io/endpointslice)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meshctl.sandbox.controllers.services import endpoints
from meshctl.sandbox.controllers.services.endpoints import HEADLESS, Object, Port, Seen

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
LIMIT = 100
# That of generated names: it spells no word.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
PREFIX_LENGTH = 57


def wanted(service: Seen, pods: Iterable[Seen], zones: Mapping[str, str]) -> list[Object]:
    """The slices of a Service: one for each set of ports, and an empty one if there is no endpoint.

    `zones` are the nodes'. Their names follow from the Service and the ports, so that writing twice is writing once.
    """
    groups: dict[tuple[Port, ...], list[Object]] = {}
    for pod in endpoints.members(service, pods):
        groups.setdefault(endpoints.ports(service, pod), []).append(_endpoint(service, pod, zones))
    found = groups or {(): []}
    return [
        of_service(service, CONTROLLER, ports, part, number)
        for ports, group in found.items()
        for number, part in enumerate(_parts(group))
    ]


def _parts(group: Sequence[Object]) -> list[Sequence[Object]]:
    return [group[start : start + LIMIT] for start in range(0, max(len(group), 1), LIMIT)]


def of_service(
    service: Seen, manager: str, ports: Sequence[Port], found: Sequence[Object], number: int = 0, owner: str = "Service"
) -> Object:
    """A slice; `owner` is the kind of what it is made from, which bears the Service's name."""
    metadata = service["metadata"]
    prefix = f"{metadata['name'][:PREFIX_LENGTH]}-"
    reference = {"apiVersion": "v1", "kind": owner, "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": prefix + _suffix(f"{metadata['uid']}/{ports}/{number}"),
            "generateName": prefix,
            "namespace": metadata["namespace"],
            "labels": labels(service, manager),
            "ownerReferences": [{**reference, "controller": True, "blockOwnerDeletion": True}],
        },
        "addressType": "IPv4",
        "endpoints": list(found),
        "ports": [port.describe() for port in ports],
    }


def labels(service: Seen, manager: str) -> dict[str, str]:
    """The Service's, and whose the slice is."""
    own = dict(service["metadata"].get("labels") or {})
    own.pop(HEADLESS, None)
    more = {HEADLESS: ""} if endpoints.is_headless(service) else {}
    return {**own, MANAGED_BY: manager, SERVICE_NAME: service["metadata"]["name"], **more}


def _suffix(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    letters = []
    for _ in range(5):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)


def _endpoint(service: Seen, pod: Seen, zones: Mapping[str, str]) -> Object:
    serving, terminating = endpoints.is_ready(pod), endpoints.is_terminating(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    node = pod["spec"].get("nodeName") or ""
    made: Object = {
        "addresses": [endpoints.address(pod)],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
    }
    more = {"hostname": endpoints.hostname(service, pod), "nodeName": node, "zone": zones.get(node, "")}
    return {**made, **{key: value for key, value in more.items() if value}, "targetRef": endpoints.target(pod)}


def is_same(live: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    """Whether a stored slice says what is wanted."""
    metadata, own = live["metadata"], made["metadata"]
    content = all((live.get(key) or []) == made[key] for key in ("endpoints", "ports"))
    return content and all(metadata.get(key) == own[key] for key in ("labels", "ownerReferences"))


def managed(live: Mapping[str, Any], manager: str = CONTROLLER) -> bool:
    """Whether a slice is one of that controller's."""
    labels = live["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == manager)


def service_name(live: Mapping[str, Any]) -> str:
    """The Service that a slice belongs to; empty if to none."""
    return str((live["metadata"].get("labels") or {}).get(SERVICE_NAME, ""))
