"""Named expectations as data: endpoint tables, ejections, shares, broken calls; each judges what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from meshctl.labs.evidence import Verdict, final, overall, verdict
from meshctl.labs.finding import Bar, Finding
from meshctl.labs.forecast import Forecast
from meshctl.labs.sample import Sample, is_failed
from meshctl.labs.view import Seen, View, caller, differences

FAILS = "fails"
ELSEWHERE = "elsewhere"
# Half of the connect timeout of the labs' rules: nothing else takes so long.
WAITING_SECONDS = 1.0
Tables = Mapping[tuple[View, str], Mapping[str, Seen]]


@dataclass(frozen=True, slots=True)
class Sight:
    """All that an act showed: the forecast, the requests, the tables by proxy, and whether more requests will come."""

    forecast: Forecast
    sample: Sample
    tables: Tables
    closed: bool = False

    def bar(self, name: str, share: float, count: int, total: int) -> Bar:
        """A share with its verdict."""
        judge = final if self.closed else verdict
        return Bar(name, share, count, total, judge(count, total, share))


class Expectation(Protocol):
    """One thing that must be seen."""

    @property
    def service(self) -> str:
        """The service that it is about."""

    def shares(self, forecast: Forecast) -> Sequence[float]:
        """The shares that requests have to settle."""

    def judge(self, sight: Sight) -> Finding | None:
        """What was found; None where the forecast leaves nothing to expect."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The callers' proxies and the gateways behind them hold the endpoint tables of the model."""

    service: str = "productpage"

    def shares(self, _: Forecast) -> Sequence[float]:
        """None: tables are read, not counted."""
        return ()

    def judge(self, sight: Sight) -> Finding:
        """Equal for every proxy: addresses, localities, priorities, weights, health."""
        faults = []
        for (view, service), proxies in sight.tables.items():
            if service == self.service:
                hop = sight.forecast.hop(view, service)
                faults += [
                    f"{proxy}: {line}" for proxy, seen in proxies.items() for line in differences(hop.table, seen.table)
                ]
        seen = "; ".join(faults) or "as expected"
        return _plain(f"endpoint tables of {self.service}", not faults, "those of the model", seen)


@dataclass(frozen=True, slots=True)
class Ejections:
    """The proxies eject exactly what the model ejects."""

    service: str = "productpage"

    def shares(self, _: Forecast) -> Sequence[float]:
        """None."""
        return ()

    def judge(self, sight: Sight) -> Finding:
        """Equal for every proxy."""
        wanted, faults = set(), []
        for (view, service), proxies in sight.tables.items():
            if service != self.service:
                continue
            expected = frozenset(sight.forecast.hop(view, service).ejected)
            wanted |= {f"{address} at the {view}" for address in expected}
            faults += [_ejection(proxy, seen.ejected) for proxy, seen in proxies.items() if seen.ejected != expected]
        text = ", ".join(sorted(wanted)) or "nothing"
        return _plain(f"ejected hosts of {self.service}", not faults, text, "; ".join(faults) or text)


def _ejection(proxy: str, ejected: frozenset[str]) -> str:
    return f"{proxy}: {', '.join(sorted(ejected)) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The endpoints that the ingress gateway sends requests to, first or again."""

    service: str = "productpage"

    def shares(self, forecast: Forecast) -> Sequence[float]:
        """Of each endpoint."""
        return [float(share) for share in self._shares(forecast).values()]

    def judge(self, sight: Sight) -> Finding | None:
        """None where requests fail or are tried again elsewhere: then the last choice is not the first."""
        expected = self._shares(sight.forecast)
        if not expected:
            return None
        counts = dict(sight.sample.upstreams)
        total = sum(counts.values())
        bars = [
            sight.bar(_named(address, sight.forecast), float(share), counts.pop(address, 0), total)
            for address, share in expected.items()
        ]
        return _judged("endpoints chosen by the ingress gateway", [*bars, *_strays(sight, counts, total)])

    def _shares(self, forecast: Forecast) -> Mapping[str, float]:
        found = forecast.of(caller(self.service, forecast.local), self.service)
        if found.failed or found.stalled:
            return {}
        return {address: float(share) for address, share in found.client.shares.items()}


@dataclass(frozen=True, slots=True)
class Answered:
    """The pods that answer, or their clusters, and the requests that nobody answers."""

    service: str = "productpage"
    by_cluster: bool = False

    def shares(self, forecast: Forecast) -> Sequence[float]:
        """Of each pod, and of the failures."""
        return list(self._shares(forecast).values())

    def judge(self, sight: Sight) -> Finding:
        """By pod; of the service that the client called, or of one behind it."""
        expected = self._shares(sight.forecast)
        counts = self._counts(sight.sample)
        total = sum(counts.values())
        bars = [sight.bar(name, share, counts.pop(name, 0), total) for name, share in expected.items()]
        return _judged(f"who answers for {self.service}", [*bars, *_strays(sight, counts, total)])

    def _shares(self, forecast: Forecast) -> dict[str, float]:
        found = forecast.of(caller(self.service, forecast.local), self.service)
        shares = found.clusters(forecast.damage.mesh) if self.by_cluster else found.pods
        return {**{name: float(share) for name, share in shares.items() if share}, FAILS: float(found.failed)}

    def _counts(self, sample: Sample) -> dict[str, int]:
        if self.service == "productpage":
            pods, failed = sample.pods, sample.failed
        else:
            pods, failed = sample.arrivals(self.service), sample.failures(self.service).total()
        return {**(_by_cluster(pods) if self.by_cluster else pods), FAILS: failed}


def _by_cluster(pods: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pod, count in pods.items():
        cluster = pod.partition("/")[0]
        counts[cluster] = counts.get(cluster, 0) + count
    return counts


@dataclass(frozen=True, slots=True)
class Suffering:
    """Whether requests fail or wait for a silent host, and that only those whom the model names answer the others."""

    service: str = "productpage"

    def shares(self, _: Forecast) -> Sequence[float]:
        """None: how many depends on how many wait at once."""
        return ()

    def judge(self, sight: Sight) -> Finding:
        """Some do if the model says so; else none."""
        found = sight.forecast.of(caller(self.service, sight.forecast.local), self.service)
        answers = sight.sample.answers
        hurt = sum(1 for one in answers if is_failed(one) or one.seconds > WAITING_SECONDS)
        strays = sorted(set(sight.sample.pods) - set(found.pods))
        wanted = bool(found.stalled or found.failed)
        outcome = Verdict.passed if bool(hurt) == wanted else Verdict.failed if sight.closed else Verdict.open
        text = f"{hurt} of {len(answers)}" + (f"; answers from {', '.join(strays)}" if strays else "")
        expected = f"{'some' if wanted else 'none'}; answers only from {', '.join(found.pods) or 'nobody'}"
        return Finding("requests that fail or wait", Verdict.failed if strays else outcome, expected, text)


@dataclass(frozen=True, slots=True)
class Broken:
    """Whether calls of a service behind the page break while requests wait for a host that is silent."""

    service: str

    def shares(self, _: Forecast) -> Sequence[float]:
        """None: one broken call is enough."""
        return ()

    def judge(self, sight: Sight) -> Finding:
        """Some break if the model says that some wait longer than the page does; else none."""
        found = sight.forecast.of(caller(self.service, sight.forecast.local), self.service)
        broken = sight.sample.failures(self.service).total()
        calls = sight.sample.arrivals(self.service).total() + broken
        wanted = bool(found.stalled or found.failed)
        right = bool(broken) == wanted and calls > 0
        outcome = Verdict.passed if right else Verdict.open if wanted and not sight.closed else Verdict.failed
        name = f"calls of {self.service} that break"
        return Finding(name, outcome, "some" if wanted else "none", f"{broken} of {calls}")


def _named(address: str, forecast: Forecast) -> str:
    return f"{address} ({forecast.cluster_of(address)})"


def _strays(sight: Sight, counts: Mapping[str, int], total: int) -> Iterator[Bar]:
    """What was seen though nothing was expected there, as one bar."""
    strays = sum(counts.values())
    if strays:
        names = ", ".join(sorted(name or "nowhere" for name, count in counts.items() if count))
        yield sight.bar(f"{ELSEWHERE} ({names})", 0.0, strays, total)


def _judged(name: str, bars: Sequence[Bar]) -> Finding:
    return Finding(name, overall(bar.verdict for bar in bars), bars=tuple(bars))


def _plain(name: str, right: bool, expected: str, seen: str) -> Finding:
    return Finding(name, Verdict.passed if right else Verdict.failed, expected, seen)
