"""Failing and healing parts of a mesh, and finding what fails now; nothing is remembered outside the nodes' kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from meshctl.errors import UsageError
from meshctl.mesh import clusters
from meshctl.mesh.clusters import together
from meshctl.mesh.pod import Pod
from meshctl.outages import nodes, rules, targets
from meshctl.outages.nodes import Found
from meshctl.outages.outage import Outage
from meshctl.outages.rules import Cut
from meshctl.providers.provider import Provider
from meshctl.topology import Node, Topology

SECONDS = 5.0


def named(
    topology: Topology, provider: Provider, words: Sequence[str], delay: int = 0, loss: int = 0
) -> tuple[Outage, ...]:
    """The outages that words of the command line mean; UsageError for those that mean nothing.

    `delay` in microseconds, `loss` in hundredths of a percent.
    """
    found = targets.resolve(words, topology, _pods(topology, provider) if _asks(words, topology) else None)
    return tuple(replace(one, delay=delay, loss=loss) for one in found)


def _asks(words: Sequence[str], topology: Topology) -> bool:
    """Whether there is a word that only the clusters can know."""
    try:
        targets.resolve(words, topology)
    except UsageError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Change:
    """What a command did: the outages that are new or gone, and all that fail now."""

    changed: tuple[Outage, ...]
    failing: tuple[Outage, ...]


def fail(topology: Topology, provider: Provider, outages: Sequence[Outage]) -> Change:
    """Bring outages about, each instead of another of the same target."""
    pods = _pods(topology, provider) if any(one.kind in targets.WITH_PODS for one in outages) else ()
    cuts = {one: _cuts(topology, one, pods) for one in outages}
    found = _look(topology, provider)
    before = _outages(found.values())
    replaced = [one for one in before if any(one.same_target(other) for other in outages) and one not in cuts]

    def change(node: Node) -> bool:
        own = {outage: on[node.name] for outage, on in cuts.items() if node.name in on}
        return nodes.change(provider, node, found[node.name], own, replaced)

    together(change, [node for _, node in topology.nodes if _has_work(node, found, cuts, replaced)])
    return Change(tuple(one for one in outages if one not in before), tuple(sorted({*before, *cuts} - {*replaced})))


def heal(topology: Topology, provider: Provider, outages: Sequence[Outage] | None = None) -> Change:
    """Undo outages, by default all, and whatever interrupted commands left."""
    found = _look(topology, provider)
    before = _outages(found.values())
    gone = tuple(one for one in before if outages is None or one in outages)
    concerned = [node for _, node in topology.nodes if found[node.name].tables or found[node.name].lines]
    together(lambda node: nodes.change(provider, node, found[node.name], {}, gone), concerned)
    return Change(gone, tuple(one for one in before if one not in gone))


def current(topology: Topology, provider: Provider) -> tuple[Outage, ...]:
    """What fails now."""
    return _outages(_look(topology, provider).values())


def _look(topology: Topology, provider: Provider) -> dict[str, Found]:
    every = [node for _, node in topology.nodes]
    found = together(lambda node: nodes.look(provider, node), every)
    return {node.name: one for node, one in zip(every, found, strict=True)}


def _outages(found: Iterable[Found]) -> tuple[Outage, ...]:
    return tuple(sorted({outage for one in found for outage in one.outages}))


def _has_work(
    node: Node, found: Mapping[str, Found], cuts: Mapping[Outage, Mapping[str, Cut]], gone: Sequence[Outage]
) -> bool:
    return any(node.name in on for on in cuts.values()) or any(one in gone for one in found[node.name].outages)


def among(failing: Iterable[Outage], words: Iterable[str], topology: Topology) -> tuple[Outage, ...]:
    """Those of the failing that words mean; UsageError for words that mean nothing. No cluster is asked."""
    there = list(failing)
    found: list[Outage] = []
    problems = []
    for word in words:
        hit = [one for one in there if _means(word, one, topology)]
        if not hit and _asks([word], topology):
            names = ", ".join(one.words for one in there) or "nothing"
            problems.append(f"{word}: does not fail; failing: {names}")
        found += hit
    if problems:
        raise UsageError("\n".join(problems))
    return tuple(dict.fromkeys(found))


def _means(word: str, outage: Outage, topology: Topology) -> bool:
    if outage.kind == "pod":
        kind, _, rest = word.partition("/")
        name = outage.target.rpartition("/")[0] + "/" + _workload(outage.target) if kind == "deployment" else ""
        return f"/{name or outage.target}".endswith(f"/{rest if kind in ('pod', 'deployment') else word}")
    try:
        return any(one.same_target(outage) for one in targets.resolve([word], topology))
    except UsageError:
        return False


def _workload(full_name: str) -> str:
    """A Deployment's pods are called after it, their ReplicaSet's hash and five letters of their own."""
    return full_name.rpartition("/")[2].rsplit("-", 2)[0]


def _cuts(topology: Topology, outage: Outage, pods: Sequence[Pod]) -> dict[str, Cut]:
    places = targets.places(outage, pods)
    cuts = rules.cuts(topology, outage, places)
    if not cuts or (outage.delay and not any(cut.arrivals for cut in cuts.values())):
        raise UsageError(f"{outage.words}: none of its pods runs, so there is nothing that could fail")
    return cuts


def _pods(topology: Topology, provider: Provider) -> tuple[Pod, ...]:
    return clusters.survey(clusters.connect(topology, provider.forwarded(), SECONDS)).pods
