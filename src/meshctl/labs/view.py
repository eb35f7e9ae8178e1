"""Whose endpoint table is looked at, and what is seen there."""

from __future__ import annotations

from dataclasses import dataclass

from meshctl.predict.balancing import Table, unique

INGRESS, EASTWEST, SIDECAR = "ingress", "eastwest", "sidecar"
# Who calls a Bookinfo service: the ingress gateway, or the sidecars of another service.
CALLERS = {"productpage": "", "details": "productpage", "reviews": "productpage", "ratings": "reviews"}


@dataclass(frozen=True, slots=True)
class View:
    """Proxies that hold the same table: a cluster's gateways of a kind, or the sidecars of a `workload` there."""

    kind: str
    cluster: str
    workload: str = ""

    def __str__(self) -> str:
        names = {INGRESS: "ingress gateway", EASTWEST: "east-west gateway", SIDECAR: f"sidecars of {self.workload}"}
        return f"{names[self.kind]} of {self.cluster}"


def caller(service: str, cluster: str) -> View:
    """Who calls a service in a cluster that requests come into."""
    workload = CALLERS[service]
    return View(SIDECAR, cluster, workload) if workload else View(INGRESS, cluster)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proxy has for a service: its endpoints, those ejected, and the DestinationRule that shaped the cluster."""

    table: Table
    ejected: frozenset[str] = frozenset()
    rule: str = ""


Groups = dict[tuple[int, str], tuple[int | None, dict[str, tuple[int, bool]]]]


def groups(table: Table) -> Groups:
    """A table in a form in which two can be compared: only groups with hosts, each address once, as Envoy keeps it."""
    return {
        (group.priority, group.locality): (group.weight, {e.address: (e.weight, e.healthy) for e in group.endpoints})
        for group in unique(table)
        if group.endpoints
    }


def differences(wanted: Table, seen: Table) -> list[str]:
    """What is missing, too much or different, a line for each endpoint."""
    expected, observed = _lines(wanted), _lines(seen)
    missing = [f"missing {line}" for line in expected if line not in observed]
    return missing + [f"unexpected {line}" for line in observed if line not in expected]


def _lines(table: Table) -> list[str]:
    return [
        f"{address} ({locality or 'no locality'}, priority {priority}, weight {weight} of {whole or 'an unset weight'}"
        f"{'' if healthy else ', UNHEALTHY'})"
        for (priority, locality), (whole, hosts) in sorted(groups(table).items())
        for address, (weight, healthy) in hosts.items()
    ]
