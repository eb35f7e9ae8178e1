"""Outages as a prediction sees them: which endpoints leave the table, and which stay in it but no longer answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from meshctl.predict.mesh import Mesh, Pod

# Without effect on endpoints: istiod, or the proxies, keep what they had.
HARMLESS = ("apiserver", "ingress", "istiod")


@dataclass(frozen=True, slots=True)
class Outage:
    """What fails.

    - cluster: nothing of it answers, its packets are dropped; the table keeps it (istiod keeps its last endpoints).
    - gateway: its east-west gateway doesn't answer.
    - link: packets between it and the cluster `target` are dropped.
    - node, pod: the node or pod `target` drops packets.
    - gone: pods are scaled to 0 and leave the table.
    - failing: pods answer `status` to a share `rate` of the requests.
    - unready: pods are not ready; sidecars of their network see them UNHEALTHY.
    - secret: the primary's remote secret for it is deleted, so that istiod forgets its pods (not its gateway).
    - apiserver, ingress, istiod: no endpoint changes.

    Gone, failing and unready are all pods of `service` in the cluster, or the one pod `target`.
    """

    kind: str
    cluster: str
    service: str = ""
    target: str = ""
    rate: Fraction = Fraction(1)
    status: int = 500

    def hits(self, pod: Pod) -> bool:
        """Whether it is about this pod."""
        if self.kind == "node":
            return pod.node == self.target and pod.cluster == self.cluster
        if self.target:
            return pod.title == self.target
        return pod.cluster == self.cluster and self.service in ("", pod.service)


@dataclass(frozen=True, slots=True)
class Failing:
    """Pods that answer `status` to a share `rate` of their requests."""

    rate: Fraction = Fraction(1)
    status: int = 500


@dataclass(frozen=True, slots=True)
class Damage:
    """A mesh under outages: what istiod still tells (`mesh`), and what of it doesn't work.

    `silent`: addresses of pods and `address:port` of gateways that drop packets; `failing`: addresses of pods;
    `cut`: pairs of clusters without a link; `down`: clusters that are dead as a whole.
    """

    mesh: Mesh
    silent: frozenset[str] = frozenset()
    failing: Mapping[str, Failing] = field(default_factory=dict)
    cut: frozenset[frozenset[str]] = frozenset()
    down: frozenset[str] = frozenset()

    def drops(self, source: str, address: str, home: str) -> bool:
        """Whether packets from the cluster `source` to an address in the cluster `home` get lost."""
        return address in self.silent or source in self.down or frozenset((source, home)) in self.cut


def damage(mesh: Mesh, outages: Iterable[Outage]) -> Damage:
    """Apply the outages, in any order."""
    found = Damage(mesh)
    for outage in sorted(outages, key=lambda outage: outage.kind in ("gone", "secret")):
        found = _applied(found, outage)
    return found


def _applied(before: Damage, outage: Outage) -> Damage:
    mesh = before.mesh
    hit = [pod for pod in mesh.pods if outage.hits(pod)]
    addresses = frozenset(pod.address for pod in hit)
    match outage.kind:
        case "cluster":
            dead = before.silent | addresses | frozenset(mesh.by_name[outage.cluster].gateways)
            return replace(before, silent=dead, down=before.down | {outage.cluster})
        case "gateway":
            return replace(before, silent=before.silent | frozenset(mesh.by_name[outage.cluster].gateways))
        case "link":
            return replace(before, cut=before.cut | {frozenset((outage.cluster, outage.target))})
        case "node" | "pod":
            return _without_node(before, outage, addresses)
        case "failing":
            how = Failing(outage.rate, outage.status)
            return replace(before, failing={**before.failing, **dict.fromkeys(addresses, how)})
        case "unready":
            pods = (replace(pod, ready=False) if outage.hits(pod) else pod for pod in mesh.pods)
            return replace(before, mesh=replace(mesh, pods=tuple(pods)))
        case "gone" | "secret":
            return replace(before, mesh=replace(mesh, pods=tuple(pod for pod in mesh.pods if not outage.hits(pod))))
    return before


def _without_node(before: Damage, outage: Outage, addresses: frozenset[str]) -> Damage:
    home = before.mesh.by_name[outage.cluster]
    if outage.kind == "node" and home.nodes == (outage.target,):
        return _applied(before, Outage("cluster", outage.cluster))
    return replace(before, silent=before.silent | addresses)
