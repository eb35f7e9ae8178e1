"""How far each proxy has what its control plane sent it: istiod's /debug/syncz (`istioctl proxy-status`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.kube import ports
from meshctl.kube.client import ApiError
from meshctl.mesh.clusters import Mesh, Survey, together
from meshctl.mesh.pod import Pod

ISTIOD, SYSTEM, PORT = "istiod", "istio-system", 15014
SYNCED, STALE, NOT_SENT = "SYNCED", "STALE", "NOT SENT"
# istioctl's names of the types, and how their fields begin.
TYPES = {"CDS": "cluster", "LDS": "listener", "EDS": "endpoint", "RDS": "route"}


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """One connected proxy. `states`: SYNCED, STALE or NOT SENT by CDS, LDS, EDS, RDS; `refusals`: Envoy's own words."""

    cluster: str
    name: str
    states: Mapping[str, str]
    istiod: str
    version: str
    refusals: Mapping[str, str]

    @property
    def synced(self) -> bool:
        """Whether it has all that it was sent, and refused nothing."""
        return not self.refusals and all(state in (SYNCED, NOT_SENT) for state in self.states.values())


@dataclass(frozen=True, slots=True)
class Synchronization:
    """Every connected proxy, the proxies that run and are not connected, and what could not be asked."""

    proxies: tuple[ProxyStatus, ...]
    missing: tuple[Pod, ...]
    notes: tuple[str, ...]

    @property
    def synced(self) -> bool:
        """Whether every proxy that runs is connected and has all that it should."""
        return not self.missing and not self.notes and all(one.synced for one in self.proxies)


def synchronization(mesh: Mesh, survey: Survey) -> Synchronization:
    """Ask every istiod that runs; whatever does not answer is noted."""
    asked = together(lambda pod: _ask(mesh, pod), _istiods(survey))
    proxies = [one for found in asked if not isinstance(found, str) for one in found]
    notes = [found for found in asked if isinstance(found, str)]
    connected = {(one.cluster, one.name) for one in proxies}
    running = [one for one in survey.proxies if one.running]
    return Synchronization(
        tuple(sorted(proxies, key=lambda one: (one.cluster, one.name))),
        tuple(one for one in running if (one.cluster, one.proxy_name) not in connected),
        (*notes, *(f"{name}: {reason}" for name, reason in survey.silent.items())),
    )


def _istiods(survey: Survey) -> Sequence[Pod]:
    return [one for one in survey.pods if one.namespace == SYSTEM and one.service == ISTIOD and one.running]


def _ask(mesh: Mesh, istiod: Pod) -> list[ProxyStatus] | str:
    try:
        found = json.loads(ports.get(mesh.accesses[istiod.cluster], istiod.path, PORT, "/debug/syncz"))
    except ApiError as error:
        return f"{istiod.full_name}: {error}"
    except ValueError:
        return f"{istiod.full_name}: /debug/syncz is not JSON"
    return [parse(one, istiod.name) for one in found or ()]


def parse(told: Mapping[str, Any], istiod: str) -> ProxyStatus:
    """An entry of /debug/syncz, of istiod 1.11 to 1.31 or of the sandbox's."""
    return ProxyStatus(
        str(told.get("cluster_id") or ""),
        str(told.get("proxy") or ""),
        {name: _state(told, field) for name, field in TYPES.items()},
        istiod,
        str(told.get("istio_version") or told.get("proxy_version") or ""),
        dict(_refusals(told)),
    )


def gist(reason: str) -> str:
    """A refusal without the whole resource that Envoy quotes in it: the resource's name and what is wrong."""
    lines = [line for line in reason.strip().splitlines() if line.strip()]
    if len(lines) < 2:
        return reason.strip()
    name = re.search(r'^\s*name: "([^"]*)"', reason, re.MULTILINE)
    fault = lines[-1].lstrip(" :")
    return f"{name[1]}: {fault}" if name else fault


def _state(told: Mapping[str, Any], field: str) -> str:
    """istioctl's rule (pilot/pkg/xds/statusgen.go) where the control plane states none itself."""
    if stated := told.get(f"{field}_status"):
        return str(stated)
    sent, acked = told.get(f"{field}_sent") or "", told.get(f"{field}_acked") or ""
    if not sent:
        return NOT_SENT
    return SYNCED if sent == acked else STALE


def _refusals(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in TYPES.items():
        if reason := told.get(f"{field}_error"):
            yield name, str(reason)
