"""What was observed beyond the expected shares, and the likely reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meshctl.labs.evidence import Verdict
from meshctl.labs.expectation import ELSEWHERE, Sight
from meshctl.labs.finding import Finding
from meshctl.labs.view import caller

SLOW_SECONDS = 1.5
# Envoy's response flags (access_log/usage, 1.40) in the words of a class.
FLAGS: Mapping[str, str] = {
    "UH": "no healthy upstream: every host is ejected or unhealthy, or the table is empty",
    "UF": "the connection to the host failed: it is down, or a TLS handshake or the connect timeout ended it",
    "UO": "a circuit breaker overflowed: connectionPool allows no more",
    "URX": "the retries were used up without success",
    "UC": "the host closed the connection in the middle of a request",
    "UT": "the route's timeout passed",
    "NR": "no route matches: is there a VirtualService and a Gateway for this host and path?",
    "NC": "the route names a cluster that the proxy hasn't got: does the subset exist, is the rule exported to it?",
    "DC": "the client went away first: Bookinfo's productpage gives up after 3 s",
    "LR": "Envoy reset the request itself",
    "UR": "the host reset the request",
    "FI": "a fault was injected with an error",
    "DI": "a fault was injected with a delay",
    "DPE": "the client sent what is no HTTP",
    "UAEX": "an authorization service said no",
}


def surprises(sight: Sight, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Each as a sentence; empty if all was as it should be."""
    return tuple(dict.fromkeys(_found(sight, findings)))


def _found(sight: Sight, findings: Sequence[Finding]) -> Iterator[str]:
    sample = sight.sample
    prediction = sight.forecast.of(caller("productpage", sight.forecast.local), "productpage")
    services = {service for _, service in sight.tables} | {"productpage"}
    silent = any(sight.forecast.of(caller(name, sight.forecast.local), name).stalled for name in services)
    for flag, count in sorted(sample.flags.items()):
        for part in flag.split(","):
            meaning = FLAGS.get(part, "see Envoy's documentation of access logs")
            yield f"{count} of {sample.requests} requests carry the response flag {part}: {meaning}"
    if sample.failed and not prediction.failed:
        codes = ", ".join(f"{count} x {outcome}" for outcome, count in sorted(sample.outcomes.items()))
        yield f"{sample.failed} requests failed though none should ({codes})"
    if sample.slowest > SLOW_SECONDS:
        yield _slow(sample.slowest, silent)
    if sample.unseen:
        yield (
            f"no access log tells who gave {sample.unseen} of {sample.requests} answers, which don't count; "
            "a log of 10 MiB is begun anew, and a cluster that can't be asked tells nothing"
        )
    yield from _unequal(findings)
    yield from sample.notes


def _slow(seconds: float, expected: bool) -> str:
    if expected:
        return f"the slowest request took {seconds:.1f} s: it waited for a host that drops packets, as the model says"
    return f"the slowest request took {seconds:.1f} s though no host should be silent; is the machine busy?"


def _unequal(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        for bar in finding.bars:
            if bar.verdict is not Verdict.failed:
                continue
            if bar.name.startswith(ELSEWHERE):
                yield f"{bar.count} requests went {bar.name}: does another rule, or an old one, still apply?"
            else:
                yield (
                    f"{bar.name} has {bar.observed:.1%} of {bar.total} instead of {bar.expected:.1%}: "
                    "is a rule, a weight or an endpoint not what the lab applied?"
                )
