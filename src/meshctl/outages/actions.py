"""Failing and healing parts of a mesh, and finding what fails now; nothing is remembered outside the nodes' kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from meshctl.errors import InvalidInput, Problem, UsageError
from meshctl.mesh import clusters
from meshctl.mesh.clusters import together
from meshctl.mesh.pod import Pod
from meshctl.outages import nodes, rules, targets
from meshctl.outages.outage import Outage
from meshctl.providers.provider import Provider
from meshctl.topology import Topology

SECONDS = 5.0


def named(
    topology: Topology, provider: Provider, words: Sequence[str], delay: int = 0, loss: int = 0
) -> tuple[Outage, ...]:
    """The outages that words of the command line mean; InvalidInput for those that mean nothing.

    `delay` in microseconds, `loss` in hundredths of a percent.
    """
    found = targets.resolve(words, topology, _pods(topology, provider) if _asks(words, topology) else None)
    return tuple(replace(one, delay=delay, loss=loss) for one in found)


def _asks(words: Sequence[str], topology: Topology) -> bool:
    """Whether there is a word that only the clusters can know."""
    try:
        targets.resolve(words, topology)
    except InvalidInput:
        return True
    return False


def fail(topology: Topology, provider: Provider, outages: Sequence[Outage]) -> tuple[Outage, ...]:
    """Bring outages about, each instead of another of the same target; those that were not there yet."""
    concerned = any(one.kind in ("pod", *targets.GATEWAYS) for one in outages)
    pods = _pods(topology, provider) if concerned else ()
    planned = [(one, _cuts(topology, one, pods)) for one in outages]
    return tuple(one for one, cuts in planned if _fail(topology, provider, one, cuts))


def heal(topology: Topology, provider: Provider, outages: Sequence[Outage] | None = None) -> tuple[Outage, ...]:
    """Undo outages, by default all, also what interrupted commands left; those that there were."""
    mended = together(lambda node: nodes.mend(provider, node, outages), [node for _, node in topology.nodes])
    return tuple(sorted({one for found in mended for one in found}))


def current(topology: Topology, provider: Provider) -> tuple[Outage, ...]:
    """What fails now."""
    found = together(lambda node: nodes.look(provider, node), [node for _, node in topology.nodes])
    return tuple(sorted({one for each in found for one in each.outages}))


def among(failing: Iterable[Outage], words: Iterable[str], topology: Topology) -> tuple[Outage, ...]:
    """Those of the failing that words mean; InvalidInput for words that mean nothing. No cluster is asked."""
    there = list(failing)
    found: list[Outage] = []
    problems = []
    for word in words:
        hit = [one for one in there if _means(word, one, topology)]
        if not hit and _asks([word], topology):
            names = ", ".join(one.words for one in there) or "nothing"
            problems.append(Problem(0, word, f"does not fail; failing: {names}"))
        found += hit
    if problems:
        raise InvalidInput("outage", problems)
    return tuple(dict.fromkeys(found))


def _means(word: str, outage: Outage, topology: Topology) -> bool:
    if outage.kind == "pod":
        kind, _, rest = word.partition("/")
        name = outage.target.rpartition("/")[0] + "/" + _workload(outage.target) if kind == "deployment" else ""
        return f"/{name or outage.target}".endswith(f"/{rest if kind in ('pod', 'deployment') else word}")
    try:
        return any(one.same_target(outage) for one in targets.resolve([word], topology))
    except InvalidInput:
        return False


def _workload(full_name: str) -> str:
    """A Deployment's pods are called after it, their ReplicaSet's hash and five letters of their own."""
    return full_name.rpartition("/")[2].rsplit("-", 2)[0]


def _fail(topology: Topology, provider: Provider, outage: Outage, cuts: dict[str, rules.Cut]) -> bool:
    places = [node for _, node in topology.nodes if node.name in cuts]
    return any(together(lambda node: nodes.cut(provider, node, outage, cuts[node.name]), places))


def _cuts(topology: Topology, outage: Outage, pods: Sequence[Pod]) -> dict[str, rules.Cut]:
    places = targets.places(outage, pods)
    cuts = rules.cuts(topology, outage, places)
    if not cuts or (outage.delay and not any(cut.arrivals for cut in cuts.values())):
        raise UsageError(f"{outage.words}: none of its pods runs, so there is nothing that could fail")
    return cuts


def _pods(topology: Topology, provider: Provider) -> tuple[Pod, ...]:
    return clusters.survey(clusters.connect(topology, provider.forwarded(), SECONDS)).pods
