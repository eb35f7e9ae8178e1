"""Which share of a client's requests ends at which pod, through its own table and a gateway's, in a steady state.

Steady state: outlier detection has ejected what it may eject, and the ejection time isn't over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from meshctl.predict.balancing import LocalityEndpoints, Shares, may_eject, shares, unique
from meshctl.predict.endpoints import table
from meshctl.predict.mesh import BOOKINFO_PORT, NAMESPACE, Mesh, Pod, Proxy
from meshctl.predict.outage import Damage
from meshctl.predict.policy import Routing, Rule, routing

# Istio 1.31's default retry policy: `connect-failure,refused-stream,unavailable,cancelled`, two retries, each on a
# host that wasn't tried before; 503 is retried too ("retriable-status-codes").
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's view: its table, what it ejected, and the share of its requests by address."""

    table: tuple[LocalityEndpoints, ...]
    ejected: tuple[str, ...]
    shares: Shares


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a client sees of a service.

    `pods`: share of requests answered by each pod; `failed`: share that ends in an error or a time-out;
    `stalled`: share whose first attempt meets a host that drops packets (connect timeout, 10 s);
    `gateways`: the second hop, by cluster.
    """

    client: Hop
    pods: dict[str, Fraction]
    failed: Fraction
    stalled: Fraction
    gateways: dict[str, Hop] = field(default_factory=dict)

    def clusters(self, mesh: Mesh) -> dict[str, Fraction]:
        """Shares by the cluster of the answering pod."""
        home = {pod.name or pod.address: pod.cluster for pod in mesh.pods}
        result = {cluster.name: Fraction(0) for cluster in mesh.clusters}
        for pod, share in self.pods.items():
            result[home[pod]] += share
        return result


def fqdn(service: str) -> str:
    """The host of a Bookinfo service."""
    return f"{service}.{NAMESPACE}.svc.cluster.local"


def predict(
    damage: Damage, client: Proxy, service: str, rules: Sequence[Rule], subset: str = "", port: int = BOOKINFO_PORT
) -> Prediction:
    """Follow a client's requests to a service to their end."""
    return _Walk(damage, routing(rules, fqdn(service), port, subset), service, port).from_(client)


class _Walk:
    def __init__(self, damage: Damage, settings: Routing, service: str, port: int) -> None:
        self.damage = damage
        self.settings = settings
        self.service = service
        self.port = port
        mesh = damage.mesh
        self.pods = {f"{pod.address}:{port}": pod for pod in mesh.pods}
        self.gateways = {address: cluster.name for cluster in mesh.clusters for address in cluster.gateways}
        self.second: dict[str, tuple[Hop, dict[str, Fraction], Fraction]] = {}

    def from_(self, client: Proxy) -> Prediction:
        groups = table(self.damage.mesh, client, self.service, self.port, self.settings)
        for address in {e.address for group in groups for e in group.endpoints} & set(self.gateways):
            self._second(self.gateways[address])
        hop = self._hop(groups)
        pods: dict[str, Fraction] = {}
        failed = stalled = Fraction(0)
        for address, share in hop.shares.items():
            stalled += share * self._stall(address)
            for pod, part in self._outcome(address, groups, hop.ejected, share, ()).items():
                if pod:
                    pods[pod] = pods.get(pod, Fraction(0)) + part
                else:
                    failed += part
        failed += 1 - sum(hop.shares.values(), Fraction(0))
        gateways = {name: hop for name, (hop, _, _) in sorted(self.second.items())}
        return Prediction(hop, dict(sorted(pods.items())), failed, stalled, gateways)

    def _outcome(
        self,
        address: str,
        groups: Sequence[LocalityEndpoints],
        ejected: Sequence[str],
        share: Fraction,
        tried: tuple[str, ...],
    ) -> dict[str, Fraction]:
        """Where a request that chose `address` ends: by pod name, or "" for an error."""
        answered, broken = self._answers(address)
        result = {pod: share * part for pod, part in answered.items()}
        lost = share * broken
        if lost and self._is_retried(address) and len(tried) + 1 < ATTEMPTS:
            for other, part in self._retry(groups, ejected, (*tried, address)).items():
                for pod, value in self._outcome(other, groups, ejected, lost * part, (*tried, address)).items():
                    result[pod] = result.get(pod, Fraction(0)) + value
        elif lost:
            result[""] = result.get("", Fraction(0)) + lost
        return result

    def _retry(self, groups: Sequence[LocalityEndpoints], ejected: Sequence[str], tried: tuple[str, ...]) -> Shares:
        """A retry stays in the priority that load assigns; it avoids hosts tried before while there are others."""
        all_shares = shares(groups, self.settings.policy(), ejected)
        priority = {e.address: group.priority for group in unique(groups) for e in group.endpoints}
        by_priority: dict[int, Shares] = {}
        for address, share in all_shares.items():
            by_priority.setdefault(priority[address], {})[address] = share
        result: Shares = {}
        for members in by_priority.values():
            whole = sum(members.values(), Fraction(0))
            fresh = {a: s for a, s in members.items() if a not in tried} or members
            rest = sum(fresh.values(), Fraction(0))
            result |= {address: share / rest * whole for address, share in fresh.items()}
        return result

    def _answers(self, address: str) -> tuple[dict[str, Fraction], Fraction]:
        """By pod name the share that it answers, and the share that ends in an error, of requests sent to `address`."""
        if self._is_silent(address):
            return {}, Fraction(1)
        if address in self.gateways:
            _, pods, broken = self.second[self.gateways[address]]
            return pods, broken
        pod = self.pods[address]
        if pod.address in self.damage.failing:
            return {}, Fraction(1)
        return {_name(pod): Fraction(1)}, Fraction(0)

    def _is_silent(self, address: str) -> bool:
        if address in self.gateways:
            return address in self.damage.silent
        return self.pods[address].address in self.damage.silent

    def _stall(self, address: str) -> Fraction:
        """Share of the connections to `address` that wait for a host that drops packets, there or behind it."""
        if self._is_silent(address):
            return Fraction(1)
        if address in self.gateways:
            hop = self.second[self.gateways[address]][0]
            return sum((share for other, share in hop.shares.items() if self._is_silent(other)), Fraction(0))
        return Fraction(0)

    def _is_retried(self, address: str) -> bool:
        """Connect failures and 503 are retried; other 5xx of a failing pod are not."""
        return address in self.gateways or self.pods[address].address not in self.damage.failing

    def _second(self, cluster: str) -> None:
        """What the east-west gateway of a cluster makes of a connection: TCP, so nothing is retried elsewhere."""
        if cluster in self.second:
            return
        proxy = self.damage.mesh.eastwest(cluster)
        groups = table(self.damage.mesh, proxy, self.service, self.port, self.settings)
        hop = self._hop(groups)
        pods: dict[str, Fraction] = {}
        for address, share in hop.shares.items():
            for pod, part in self._answers(address)[0].items():
                pods[pod] = pods.get(pod, Fraction(0)) + share * part
        self.second[cluster] = (hop, pods, 1 - sum(pods.values(), Fraction(0)))

    def _hop(self, groups: tuple[LocalityEndpoints, ...]) -> Hop:
        ejected = self._ejections(groups)
        return Hop(groups, ejected, shares(groups, self.settings.policy(), ejected))

    def _ejections(self, groups: tuple[LocalityEndpoints, ...]) -> tuple[str, ...]:
        """What outlier detection ends up with: one bad host after the other, in the order that traffic meets them."""
        if self.settings.outlier is None:
            return ()
        hosts = [endpoint for group in unique(groups) for endpoint in group.endpoints]
        ejected: tuple[str, ...] = ()
        while may_eject(len(hosts), len(ejected), self.settings.max_ejection_percent):
            loaded = shares(groups, self.settings.policy(), ejected)
            bad = [address for address in loaded if self._is_bad(address) and address not in ejected]
            if not bad:
                break
            ejected += (bad[0],)
        return ejected

    def _is_bad(self, address: str) -> bool:
        """Whether every request to it ends in an error that outlier detection counts."""
        return self._answers(address)[1] == 1


def _name(pod: Pod) -> str:
    return pod.name or pod.address
