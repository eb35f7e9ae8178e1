"""Endpoints that someone writes for a Service without a selector, as EndpointSlices (Kubernetes 1.31,
pkg/controller/endpointslicemirroring)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.sandbox.controllers.services import slices
from meshctl.sandbox.controllers.services.endpoints import Object, Port, Seen, is_ipv4

CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
# Leader election of old kept its lock in Endpoints.
LOCK = "control-plane.alpha.kubernetes.io/leader"


def wanted(written: Mapping[str, Any], service: Seen) -> list[Object]:
    """The slices that say what the Endpoints say, one for each subset."""
    if not is_mirrored(written, service):
        return []
    owner = {"metadata": written["metadata"], "spec": service["spec"]}
    return [
        slices.of_service(owner, CONTROLLER, _ports(subset), list(_endpoints(subset)), number, "Endpoints")
        for number, subset in enumerate(written.get("subsets") or ())
    ]


def is_mirrored(written: Mapping[str, Any], service: Seen) -> bool:
    """Whether nobody else cares for the slices."""
    metadata = written["metadata"]
    skipped = (metadata.get("labels") or {}).get(SKIP) == "true" or LOCK in (metadata.get("annotations") or {})
    return not skipped and not service["spec"].get("selector")


def _ports(subset: Mapping[str, Any]) -> Sequence[Port]:
    return [
        Port(one.get("name") or "", one.get("protocol") or "TCP", one["port"], one.get("appProtocol") or "")
        for one in subset.get("ports") or ()
    ]


def _endpoints(subset: Mapping[str, Any]) -> Iterator[Object]:
    for key, ready in (("addresses", True), ("notReadyAddresses", False)):
        for one in filter(lambda one: is_ipv4(one["ip"]), subset.get(key) or ()):
            more = {name: one[name] for name in ("hostname", "nodeName", "targetRef") if one.get(name)}
            conditions = {"ready": ready, "serving": ready, "terminating": False}
            yield {"addresses": [one["ip"]], "conditions": conditions, **more}
