"""Which pods serve a Service, at which ports (Kubernetes 1.31, pkg/controller/endpointslice and util/endpoint)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Any

Object = dict[str, Any]
Seen = Mapping[str, Any]
HEADLESS = "service.kubernetes.io/headless"
ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port of endpoints; an empty name is that of a Service's only port."""

    name: str
    protocol: str
    number: int
    application: str = ""

    def describe(self) -> Object:
        """As Endpoints and EndpointSlices have it."""
        more = {"appProtocol": self.application} if self.application else {}
        return {"name": self.name, "port": self.number, "protocol": self.protocol, **more}


def is_ipv4(text: str) -> bool:
    """Whether it is an address of the only family that the sandbox speaks."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def has_endpoints_of_pods(service: Seen) -> bool:
    """Whether endpoints follow pods; without a selector they are what someone writes."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def is_headless(service: Seen) -> bool:
    """Whether it has no address of its own by wish."""
    return bool(service["spec"].get("clusterIP") == "None")


def selects(service: Seen, pod: Seen) -> bool:
    """Whether the pod carries all labels of the Service's selector."""
    labels = pod["metadata"].get("labels") or {}
    wanted = service["spec"].get("selector") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def members(service: Seen, pods: Iterable[Seen]) -> list[Seen]:
    """The selected pods that have an address and have not ended, by address."""
    found = [one for one in pods if selects(service, one) and _is_present(one)]
    return sorted(found, key=lambda one: IPv4Address(address(one)))


def _is_present(pod: Seen) -> bool:
    status = pod.get("status") or {}
    return is_ipv4(status.get("podIP") or "") and status.get("phase") not in ("Succeeded", "Failed")


def address(pod: Seen) -> str:
    """The pod's."""
    return str(pod["status"]["podIP"])


def is_ready(pod: Seen) -> bool:
    """Whether its condition says so."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def is_terminating(pod: Seen) -> bool:
    """Whether someone has deleted it."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def hostname(service: Seen, pod: Seen) -> str:
    """The name under the Service's that the pod asks for; empty if it does not."""
    spec = pod["spec"]
    return str(spec.get("hostname") or "") if spec.get("subdomain") == service["metadata"]["name"] else ""


def ports(service: Seen, pod: Seen) -> tuple[Port, ...]:
    """The pod's ports for the Service's; one that the pod has no name for is left out."""
    return tuple(_ports(service, pod))


def _ports(service: Seen, pod: Seen) -> Iterator[Port]:
    for one in service["spec"].get("ports") or ():
        protocol = one.get("protocol") or "TCP"
        number = _number(one.get("targetPort") or one["port"], protocol, pod)
        if number:
            yield Port(one.get("name") or "", protocol, number, one.get("appProtocol") or "")


def _number(target: int | str, protocol: str, pod: Seen) -> int:
    if isinstance(target, int):
        return target
    for container in _containers(pod):
        for one in container.get("ports") or ():
            if one.get("name") == target and (one.get("protocol") or "TCP") == protocol:
                return int(one["containerPort"])
    return 0


def _containers(pod: Seen) -> Iterator[Seen]:
    yield from pod["spec"].get("containers") or ()
    yield from (one for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always")


def target(pod: Seen) -> Object:
    """The reference to the pod."""
    metadata = pod["metadata"]
    return {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
