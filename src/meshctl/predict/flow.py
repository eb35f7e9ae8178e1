"""Which share of a client's requests ends at which pod, through its own table and a gateway's, in a steady state.

Steady state: outlier detection has ejected what it may eject, and the ejection time isn't over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import inf

from meshctl.predict.balancing import LocalityEndpoints, Shares, shares
from meshctl.predict.endpoints import table
from meshctl.predict.mesh import BOOKINFO_PORT, Mesh, Pod, Proxy, fqdn
from meshctl.predict.outage import Damage
from meshctl.predict.outlier import Detection, Failures, detection, ejections, onset
from meshctl.predict.policy import Routing, Rule, routing
from meshctl.predict.retry import attempts

__all__ = ["Hop", "Prediction", "fqdn", "predict", "predict_all"]

UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Hop:
    """One proxy's view: its table, what it ejected, and the share of its requests by address.

    `spared`: hosts that fail and that only the ejection limit keeps; `doubtful`: hosts that chance may eject.
    """

    table: tuple[LocalityEndpoints, ...]
    ejected: tuple[str, ...]
    shares: Shares
    spared: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a client sees of a service.

    `pods`: share of requests answered well by each pod; `failed`: share that ends in an error or a time-out;
    `stalled`: share whose first attempt meets a host that drops packets (connect timeout, 10 s);
    `gateways`: the second hop, by cluster; `lost`: pods that would answer, by the cluster of the gateway before them
    that the client ejects because of others; `endangered`: the same where chance decides.
    """

    client: Hop
    pods: dict[str, Fraction]
    failed: Fraction
    stalled: Fraction
    gateways: dict[str, Hop] = field(default_factory=dict)
    lost: dict[str, tuple[str, ...]] = field(default_factory=dict)
    endangered: dict[str, tuple[str, ...]] = field(default_factory=dict)

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
    """What becomes of requests sent to one address: shares by answering pod, and the failures.

    `onset`: how many connections in a row fail for certain before a gateway has ejected its silent pods.
    """

    pods: Shares
    failures: Failures = field(default_factory=Failures)
    stalled: Fraction = Fraction(0)
    onset: int = 0


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
        second = sorted({self.gateways[a] for a, end in ends.items() if a in self.gateways and end is not _SILENT})
        failed = 1 - sum(answered.pods.values(), Fraction(0))
        return Prediction(
            hop,
            dict(sorted(answered.pods.items())),
            failed,
            stalled,
            {name: self.behind[name][0] for name in second},
            self._behind_those(hop.ejected, ends),
            self._behind_those(hop.doubtful, ends),
        )

    def _behind_those(self, addresses: Sequence[str], ends: Mapping[str, _End]) -> dict[str, tuple[str, ...]]:
        """The pods that answer behind gateways."""
        return {self.gateways[a]: tuple(sorted(ends[a].pods)) for a in addresses if a in self.gateways and ends[a].pods}

    def _hop(self, proxy: Proxy) -> tuple[Hop, dict[str, _End], Routing]:
        mesh = self.damage.mesh
        settings = routing(
            self.rules, fqdn(self.service), self.port, self.subset, proxy.namespace, proxy.labels, mesh.release
        )
        groups = table(mesh, proxy, self.service, self.port, settings, passthrough=proxy.is_eastwest)
        ends = {e.address: self._end(proxy, e.address) for group in groups for e in group.endpoints}
        if settings.outlier is None:
            return Hop(groups, (), shares(groups, settings.policy())), ends, settings
        return self._watched(proxy, groups, ends, settings), ends, settings

    def _watched(
        self, proxy: Proxy, groups: tuple[LocalityEndpoints, ...], ends: Mapping[str, _End], settings: Routing
    ) -> Hop:
        """A proxy's view with outlier detection."""
        counts = detection(settings.outlier or {})
        # Behind TLS that is only passed on, answers can't be told apart.
        failures = {a: Failures(end.failures.refused) if proxy.is_eastwest else end.failures for a, end in ends.items()}
        certain = {a for a in ends if counts.notices(failures[a]) or self._is_tripped(a, ends[a], counts)}
        possible = {a for a in ends if counts.wait(failures[a]) < inf or (counts.refusals and ends[a].onset)}
        ejected = ejections(
            groups,
            settings.policy(),
            settings.max_ejection_percent,
            certain.__contains__,
            always_one=settings.release.always_ejects_one,
        )
        chosen = shares(groups, settings.policy(), ejected)
        spared = tuple(a for a in chosen if a in certain)
        return Hop(groups, ejected, chosen, spared, tuple(a for a in chosen if a in possible - certain))

    def _is_tripped(self, gateway: str, end: _End, counts: Detection) -> bool:
        """Whether a gateway is ejected for the connections that failed before it had ejected its silent pods.

        Of a gateway with several addresses, chance decides which of them the failures meet.
        """
        if not 0 < counts.refusals <= end.onset:
            return False
        return len(self.damage.mesh.by_name[self.gateways[gateway]].gateways) == 1

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
            hop, ends, settings = self._hop(self.damage.mesh.eastwest(cluster))
            silent = {address for address, end in ends.items() if end is _SILENT}
            refusals = detection(settings.outlier or {}).refusals
            failing = onset(hop.table, settings.policy(), hop.ejected, silent, refusals)
            self.behind[cluster] = hop, replace(_total(hop.shares, ends), onset=failing)
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
