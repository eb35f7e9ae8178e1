"""Which share of a client's requests ends at which pod, through its own table and a gateway's, in a steady state.

Steady state: outlier detection has ejected what it may eject, and the ejection time isn't over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from meshctl.predict.balancing import LocalityEndpoints, Shares, shares
from meshctl.predict.endpoints import table
from meshctl.predict.mesh import BOOKINFO_PORT, Mesh, Pod, Proxy, fqdn
from meshctl.predict.outage import Damage
from meshctl.predict.outlier import Failures, detection, ejections
from meshctl.predict.policy import Routing, Rule, routing
from meshctl.predict.retry import attempts

__all__ = ["Hop", "Prediction", "fqdn", "predict", "predict_all"]

UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's view: its table, what it ejected, and the share of its requests by address."""

    table: tuple[LocalityEndpoints, ...]
    ejected: tuple[str, ...]
    shares: Shares


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a client sees of a service.

    `pods`: share of requests answered well by each pod; `failed`: share that ends in an error or a time-out;
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
        home = {pod.title: pod.cluster for pod in mesh.pods}
        result = {cluster.name: Fraction(0) for cluster in mesh.clusters}
        for pod, share in self.pods.items():
            result[home[pod]] += share
        return result


def predict(
    damage: Damage, client: Proxy, service: str, rules: Sequence[Rule], subset: str = "", port: int = BOOKINFO_PORT
) -> Prediction:
    """Follow a client's requests to a service to their end."""
    return _Paths(damage, rules, service, subset, port).of(client)


def predict_all(
    damage: Damage,
    clients: Mapping[str, Proxy],
    service: str,
    rules: Sequence[Rule],
    subset: str = "",
    port: int = BOOKINFO_PORT,
) -> dict[str, Prediction]:
    """The same for many clients; what gateways do is worked out once."""
    paths = _Paths(damage, rules, service, subset, port)
    return {name: paths.of(client) for name, client in clients.items()}


@dataclass(frozen=True, slots=True)
class _End:
    """What becomes of requests sent to one address: shares by answering pod, and the failures."""

    pods: Shares
    failures: Failures = field(default_factory=Failures)
    stalled: Fraction = Fraction(0)


_SILENT = _End({}, Failures(Fraction(1)), Fraction(1))


class _Paths:
    """Everywhere that requests to one service can go; a gateway's part is worked out when a client needs it."""

    def __init__(self, damage: Damage, rules: Sequence[Rule], service: str, subset: str, port: int) -> None:
        self.damage = damage
        self.rules = rules
        self.service = service
        self.subset = subset
        self.port = port
        mesh = damage.mesh
        self.pods = {f"{pod.address}:{port}": pod for pod in mesh.by_service.get(service, ())}
        self.gateways = {address: cluster.name for cluster in mesh.clusters for address in cluster.gateways}
        self.behind: dict[str, tuple[Hop, _End]] = {}

    def of(self, client: Proxy) -> Prediction:
        """Where a client's requests end."""
        hop, ends, settings = self._hop(client)
        tried = hop.shares if client.is_eastwest else attempts(hop.shares, _lost(ends, settings))
        answered = _total(tried, ends)
        stalled = sum((share * ends[address].stalled for address, share in hop.shares.items()), Fraction(0))
        second = sorted({self.gateways[address] for address in ends if address in self.gateways} & self.behind.keys())
        failed = 1 - sum(answered.pods.values(), Fraction(0))
        return Prediction(hop, dict(sorted(answered.pods.items())), failed, stalled, self._hops(second))

    def _hops(self, clusters: Sequence[str]) -> dict[str, Hop]:
        return {name: self.behind[name][0] for name in clusters}

    def _hop(self, proxy: Proxy) -> tuple[Hop, dict[str, _End], Routing]:
        mesh = self.damage.mesh
        settings = routing(
            self.rules, fqdn(self.service), self.port, self.subset, proxy.namespace, proxy.labels, mesh.release
        )
        groups = table(mesh, proxy, self.service, self.port, settings, passthrough=proxy.is_eastwest)
        ends = {e.address: self._end(proxy, e.address) for group in groups for e in group.endpoints}
        ejected = self._ejected(proxy, groups, ends, settings)
        return Hop(groups, ejected, shares(groups, settings.policy(), ejected)), ends, settings

    def _ejected(
        self, proxy: Proxy, groups: Sequence[LocalityEndpoints], ends: Mapping[str, _End], settings: Routing
    ) -> tuple[str, ...]:
        if settings.outlier is None:
            return ()
        counts = detection(settings.outlier)
        # Behind TLS that is only passed on, answers can't be told apart.
        failures = {
            address: Failures(end.failures.refused) if proxy.is_eastwest else end.failures
            for address, end in ends.items()
        }
        return ejections(
            groups,
            settings.policy(),
            settings.max_ejection_percent,
            lambda address: counts.notices(failures[address]),
            always_one=settings.release.always_ejects_one,
        )

    def _end(self, proxy: Proxy, address: str) -> _End:
        pod = self.pods.get(address)
        home = pod.cluster if pod else self.gateways[address]
        if self.damage.drops(proxy.cluster, pod.address if pod else address, home):
            return _SILENT
        return self._at_pod(pod) if pod else self._behind(home)[1]

    def _at_pod(self, pod: Pod) -> _End:
        how = self.damage.failing.get(pod.address)
        if how is None:
            return _End({pod.title: Fraction(1)})
        good = {} if how.rate == 1 else {pod.title: 1 - how.rate}
        return _End(good, Failures(errors={how.status: how.rate}))

    def _behind(self, cluster: str) -> tuple[Hop, _End]:
        """What a cluster's east-west gateway makes of a connection: TCP, so nothing is retried elsewhere."""
        if cluster not in self.behind:
            hop, ends, _ = self._hop(self.damage.mesh.eastwest(cluster))
            self.behind[cluster] = hop, _total(hop.shares, ends)
        return self.behind[cluster]


def _lost(ends: Mapping[str, _End], settings: Routing) -> dict[str, Fraction]:
    """The share of attempts at each address that is retried."""
    retried = {address: end.failures.refused for address, end in ends.items()}
    if settings.release.retries_503:
        retried = {a: share + ends[a].failures.errors.get(UNAVAILABLE, 0) for a, share in retried.items()}
    return retried


def _total(chosen: Shares, ends: Mapping[str, _End]) -> _End:
    """All ends together; what reaches no host at all counts as refused."""
    pods: Shares = defaultdict(Fraction)
    errors: dict[int, Fraction] = defaultdict(Fraction)
    refused, stalled = 1 - sum(chosen.values(), Fraction(0)), Fraction(0)
    for address, share in chosen.items():
        end = ends[address]
        refused += share * end.failures.refused
        stalled += share * end.stalled
        for pod, part in end.pods.items():
            pods[pod] += share * part
        for status, part in end.failures.errors.items():
            errors[status] += share * part
    return _End(dict(pods), Failures(refused, dict(errors)), stalled)
