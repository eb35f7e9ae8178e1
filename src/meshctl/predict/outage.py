"""Outages as a prediction sees them: which endpoints leave the table, and which stay in it but no longer answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from meshctl.errors import InvalidInput, Problem
from meshctl.predict.mesh import BOOKINFO, Mesh


@dataclass(frozen=True, slots=True)
class Outage:
    """`kind` is cluster, gateway, gone, failing or unready; the last three are of a service in a cluster.

    - cluster: nothing of it answers, its packets are dropped; the table keeps it (istiod keeps its last endpoints).
    - gateway: its east-west gateway doesn't answer.
    - gone: the pods are scaled to 0 and leave the table.
    - failing: the pods answer 5xx.
    - unready: the pods are not ready; sidecars of their network see them UNHEALTHY.
    """

    kind: str
    cluster: str
    service: str = ""


KINDS = ("gone", "failing", "unready")
FORMS = "CLUSTER, gateway/CLUSTER, " + ", ".join(f"{kind}/SERVICE@CLUSTER" for kind in KINDS)


def parse(texts: Iterable[str], mesh: Mesh) -> tuple[Outage, ...]:
    """Outages from the words of the command line; InvalidInput names every one that isn't understood."""
    outages, problems = [], []
    for text in texts:
        outage = _parse(text)
        clusters = ", ".join(mesh.by_name)
        if outage is None:
            problems.append(Problem(0, text, f"is no outage; expected {FORMS}"))
        elif outage.cluster not in mesh.by_name:
            problems.append(Problem(0, text, f"cluster {outage.cluster!r} is unknown; expected one of {clusters}"))
        elif outage.service and outage.service not in BOOKINFO:
            problems.append(Problem(0, text, f"service {outage.service!r} is unknown; expected {', '.join(BOOKINFO)}"))
        else:
            outages.append(outage)
    if problems:
        raise InvalidInput("--fail", problems)
    return tuple(outages)


def _parse(text: str) -> Outage | None:
    kind, slash, rest = text.partition("/")
    if not slash:
        return Outage("cluster", text)
    if kind in ("cluster", "gateway"):
        return Outage(kind, rest)
    service, at, cluster = rest.partition("@")
    return Outage(kind, cluster, service) if kind in KINDS and at else None


@dataclass(frozen=True, slots=True)
class Damage:
    """A mesh under outages: what istiod still tells (`mesh`), and which addresses drop packets or answer 5xx."""

    mesh: Mesh
    silent: frozenset[str]
    failing: frozenset[str]


def damage(mesh: Mesh, outages: Iterable[Outage]) -> Damage:
    """Apply the outages."""
    pods = list(mesh.pods)
    silent: set[str] = set()
    failing: set[str] = set()
    for outage in outages:
        hit = [pod for pod in pods if pod.cluster == outage.cluster and outage.service in ("", pod.service)]
        match outage.kind:
            case "cluster":
                silent.update(pod.address for pod in hit)
                silent.update(mesh.by_name[outage.cluster].gateways)
            case "gateway":
                silent.update(mesh.by_name[outage.cluster].gateways)
            case "gone":
                pods = [pod for pod in pods if pod not in hit]
            case "failing":
                failing.update(pod.address for pod in hit)
            case "unready":
                pods = [replace(pod, ready=False) if pod in hit else pod for pod in pods]
    return Damage(Mesh(mesh.clusters, tuple(pods)), frozenset(silent), frozenset(failing))
