"""A measurement of traffic, as a person and as a program reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meshctl.cli import output

if TYPE_CHECKING:
    from meshctl.mesh.traffic import Answer, Hop, Share, Shares

Json = dict[str, Any]
MOST_BAR, LEAST_BAR = 30, 6
FIGURES = 16
PERCENTILES = (50, 90, 99)
# What Envoy's response flags mean (access log usage, Envoy 1.40), as far as this mesh shows them.
MEANINGS = {
    "UF": "upstream connection failure",
    "UH": "no healthy upstream",
    "UT": "upstream request timeout",
    "UR": "upstream reset",
    "UC": "upstream connection ended",
    "UO": "upstream overflow: circuit breaker",
    "NR": "no route",
    "NC": "no such cluster",
    "URX": "retries exhausted",
    "DC": "client went away",
    "DPE": "protocol error",
    "FI": "fault injected",
    "DI": "delay injected",
    "RL": "rate limited",
    "UAEX": "denied by authorization",
}


def show(found: Shares) -> None:
    """Print what was sent, how it ended, and who answered, service by service."""
    output.say(f"{found.call.requests} requests for {found.call.path} to {found.target}")
    output.say(_pace(found))
    output.say(f"{_counts(found.outcomes)}{_noted(found.flags)}")
    _show_chosen(found)
    widths = _widths(found.hops)
    for hop in found.hops:
        output.say()
        _show(hop, widths)
    if found.unseen:
        output.warn(f"{found.unseen} answers are in no access log that was read")
    for note in found.notes:
        output.warn(note)


def _pace(found: Shares) -> str:
    times = "  ".join(f"p{name} {value * 1000:.0f} ms" for name, value in latencies(found.answers).items())
    return f"{found.seconds:.1f} s, {found.call.requests / max(found.seconds, 1e-9):.0f} a second  {times}"


def latencies(answers: Sequence[Answer]) -> dict[int, float]:
    """Seconds by percentile, failures included."""
    ordered = sorted(one.seconds for one in answers)
    return {name: ordered[min(len(ordered) - 1, len(ordered) * name // 100)] for name in PERCENTILES} if ordered else {}


def _counts(counted: Mapping[str, int]) -> str:
    good = all(name.startswith(("2", "3")) for name in counted)
    text = ", ".join(f"{name}: {number}" for name, number in sorted(counted.items()))
    return output.paint(text, output.GREEN if good else output.RED)


def _noted(flags: Mapping[str, int]) -> str:
    return "".join(f"\n{number} with {_meaning(flag)}" for flag, number in sorted(flags.items()))


def _meaning(flags: str) -> str:
    known = [MEANINGS[one] for one in flags.split(",") if one in MEANINGS]
    return f"{flags} ({', '.join(known)})" if known else flags


def _show_chosen(found: Shares) -> None:
    """What the first proxy's balancing chose: behind a gateway another one chooses again, for each connection."""
    whole = sum(found.upstreams.values())
    gateways = {one.upstream: one.gateway for one in found.answers if one.gateway}
    labels = {name: f"{name} {_place(gateways.get(name))}".rstrip() for name in found.upstreams}
    if not gateways:
        return
    output.say()
    output.say(f"{output.paint('endpoints', output.BOLD)}  chosen by the first proxy")
    width = max(map(len, labels.values()))
    for name, number in found.upstreams.items():
        size = _bar_size(width + 4)
        output.say(f"  {labels[name].ljust(width)}  {_bar(number, whole, size)} {_figures(number, whole)}")


def _place(gateway: str | None) -> str:
    return f"(gateway of {gateway})" if gateway else ""


def _show(hop: Hop, widths: Sequence[int]) -> None:
    whole = max(1, hop.requests + sum(hop.failures.values()))
    output.say(f"{output.paint(hop.service, output.BOLD)}  {hop.requests} arrived{_by_cluster(hop)}")
    size = _bar_size(sum(widths) + 8)
    for share in hop.shares:
        text = "  ".join(name.ljust(width) for name, width in zip(_names(share), widths, strict=True))
        bar, figures = _bar(share.requests, whole, size), _figures(share.requests, whole)
        output.say(f"  {text}  {bar} {figures}{_codes(share.codes)}")
    for flags, number in hop.failures.items():
        label = f"failed: {flags}".ljust(sum(widths) + 4)
        output.say("  " + output.paint(f"{label}  {_bar(number, whole, size)} {_figures(number, whole)}", output.RED))


def _names(share: Share) -> tuple[str, str, str]:
    return share.pod.cluster, share.pod.node, share.pod.name


def _widths(hops: Sequence[Hop]) -> list[int]:
    """Of the names in all hops, so that the bars stand one under another."""
    names = [_names(share) for hop in hops for share in hop.shares]
    return [max((len(each[i]) for each in names), default=0) for i in range(3)]


def _by_cluster(hop: Hop) -> str:
    counted: Counter[str] = Counter()
    for share in hop.shares:
        counted[share.pod.cluster] += share.requests
    parts = [f"{name} {number / hop.requests * 100:.1f} %" for name, number in sorted(counted.items())]
    return f": {', '.join(parts)}" if parts else ""


def _bar_size(used: int) -> int:
    free = output.columns() - used - FIGURES
    return max(LEAST_BAR, min(MOST_BAR, free))


def _bar(number: int, whole: int, size: int) -> str:
    full = round(number / whole * size)
    return "█" * full + "░" * (size - full)


def _figures(number: int, whole: int) -> str:
    return f"{number:5d} {number / whole * 100:5.1f} %"


def _codes(codes: Mapping[int, int]) -> str:
    """Only what is not 200 is worth the space."""
    strange = {code: number for code, number in codes.items() if code != 200}
    return "".join(f"  {code}: {number}" for code, number in sorted(strange.items()))


def document(found: Shares) -> Json:
    """The measurement as JSON."""
    return {
        "producer": "real Envoy",
        "target": found.target,
        "path": found.call.path,
        "requests": found.call.requests,
        "seconds": round(found.seconds, 3),
        "latency": {f"p{name}": round(value, 4) for name, value in latencies(found.answers).items()},
        "outcomes": dict(sorted(found.outcomes.items())),
        "flags": dict(sorted(found.flags.items())),
        "clusters": found.clusters,
        "upstreams": found.upstreams,
        "hops": [_hop(one) for one in found.hops],
        "unseen": found.unseen,
        "notes": list(found.notes),
        "answers": list(_answers(found.answers)),
    }


def _hop(hop: Hop) -> Json:
    return {
        "service": hop.service,
        "calls": hop.calls,
        "arrived": hop.requests,
        "failures": dict(hop.failures),
        "shares": [
            {
                "cluster": one.pod.cluster,
                "node": one.pod.node,
                "namespace": one.pod.namespace,
                "pod": one.pod.name,
                "version": one.pod.version,
                "requests": one.requests,
                "codes": {str(code): number for code, number in sorted(one.codes.items())},
            }
            for one in hop.shares
        ],
    }


def _answers(answers: Sequence[Answer]) -> Iterator[Json]:
    for one in answers:
        yield {
            "at": round(one.at, 4),
            "seconds": round(one.seconds, 4),
            "code": one.code,
            "error": one.error,
            "flags": one.flags,
            "upstream": one.upstream,
            "gateway": one.gateway,
            "pod": one.pod.full_name if one.pod else None,
        }
