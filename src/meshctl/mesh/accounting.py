"""From what proxies wrote about requests to who answered them, hop by hop."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from meshctl.mesh.clusters import Survey
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import Answer, Hop, Share
from meshctl.mesh.trail import Step, Trail
from meshctl.topology import Topology

Addresses = Mapping[tuple[str, str], Pod]


def answers(
    found: Iterable[Answer], trail: Trail, addresses: Addresses, gateways: Mapping[str, str]
) -> Iterator[Answer]:
    """Each answer with flags, upstream, gateway and pod as far as the logs tell."""
    arrivals: dict[int, list[Step]] = defaultdict(list)
    for step in sorted(trail.steps, key=lambda one: one.entry.started):
        if step.entry.inbound:
            arrivals[step.number].append(step)
    for answer in found:
        first = trail.first.get(answer.number)
        yield _known(answer, first, arrivals[answer.number], addresses, gateways) if first else answer


def _known(
    answer: Answer, first: Step, arrivals: Sequence[Step], addresses: Addresses, gateways: Mapping[str, str]
) -> Answer:
    entry = first.entry
    upstream = "" if entry.upstream_host == "-" else entry.upstream_host
    host = upstream.rpartition(":")[0]
    pod = None
    if entry.answered:
        # Behind a gateway, the last attempt's arrival: earlier ones were retried.
        reached = [step.pod for step in arrivals if step.service == first.service]
        pod = addresses.get((first.pod.cluster, host)) or (reached[-1] if reached else None)
    return replace(answer, flags=entry.flags, upstream=upstream, gateway=gateways.get(host, ""), pod=pod)


def addresses(topology: Topology, survey: Survey) -> dict[tuple[str, str], Pod]:
    """Pods by the cluster from which they are seen and their address: its own first, then those of its network."""
    found: dict[tuple[str, str], Pod] = {}
    for cluster in topology.clusters:
        for seen in (cluster, *topology.neighbours(cluster)):
            for pod in survey.pods:
                if pod.cluster == seen.name and pod.address:
                    found.setdefault((cluster.name, pod.address), pod)
    return found


def hops(trail: Trail) -> tuple[Hop, ...]:
    """The services in the order of the calls; the first is the one that the client called."""
    calls, arrivals = _by_service(trail.steps, inbound=False), _by_service(trail.steps, inbound=True)
    return tuple(_hop(name, calls.get(name, ()), arrivals.get(name, ())) for name in _ordered(trail, calls, arrivals))


def _by_service(steps: Iterable[Step], inbound: bool) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.entry.inbound == inbound and step.service:
            found[step.service].append(step)
    return found


def _ordered(trail: Trail, calls: Mapping[str, list[Step]], arrivals: Mapping[str, list[Step]]) -> list[str]:
    """Breadth first from the client: a service before those that it calls."""
    order = list(dict.fromkeys(step.service for step in trail.first.values() if step.service))
    for name in order:
        pods = {step.pod for step in arrivals.get(name, ())}
        called = [callee for callee, steps in sorted(calls.items()) if any(step.pod in pods for step in steps)]
        order += [callee for callee in called if callee not in order]
    return [*order, *sorted({*calls, *arrivals} - set(order))]


def _hop(service: str, calls: Sequence[Step], arrivals: Sequence[Step]) -> Hop:
    by_pod: dict[Pod, list[Step]] = defaultdict(list)
    for step in arrivals:
        by_pod[step.pod].append(step)
    ordered = sorted(by_pod.items(), key=lambda item: item[0].full_name)
    shares = tuple(Share(pod, len(steps), Counter(step.entry.code for step in steps)) for pod, steps in ordered)
    failures = Counter(step.entry.flags for step in calls if not step.entry.answered)
    return Hop(service, len(calls), shares, dict(sorted(failures.items())))
