"""From the words of the command line to outages, and the pods that these are about."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from meshctl.errors import UsageError
from meshctl.mesh.pod import Pod
from meshctl.outages.outage import Outage
from meshctl.outages.rules import Place
from meshctl.topology import Topology

SYSTEM = "istio-system"
GATEWAYS = {"gateway": "istio-eastwestgateway", "ingress": "istio-ingressgateway"}
ISTIOD = "istiod"
WITH_PODS = ("pod", *GATEWAYS)


def fixed(topology: Topology) -> dict[str, Outage]:
    """Everything that can fail by what the topology says, by its words; the first meaning of a word counts."""
    clusters = [one.name for one in topology.clusters]
    links = [f"{one}-{other}" for number, one in enumerate(clusters) for other in clusters[number + 1 :]]
    nodes = [node.name for _, node in topology.nodes]
    found = [Outage("cluster", name) for name in clusters]
    found += [Outage("link", name) for name in links]
    found += [Outage("node", name) for name in nodes]
    found += [Outage("gateway", one.name) for one in topology.clusters if one.gateway_addresses]
    found += [Outage(kind, name) for kind in ("ingress", "apiserver") for name in clusters]
    return {one.words: one for one in [*found, Outage(ISTIOD)]}


def resolve(words: Iterable[str], topology: Topology, pods: Sequence[Pod] | None = None) -> list[Outage]:
    """The outages of these words; UsageError names all that mean nothing. Without `pods` no pod is known."""
    found: list[Outage] = []
    problems = []
    for word in words:
        outages = _named(word, topology) or _of_pods(word, pods or ())
        if not outages:
            problems.append(f"{word}: {_unknown(word, topology, pods)}")
        found += outages
    if problems:
        raise UsageError("\n".join(problems))
    return list(dict.fromkeys(found))


def places(outage: Outage, pods: Iterable[Pod]) -> tuple[Place, ...]:
    """Where the pods are that an outage of a pod or gateway is about."""
    return tuple(Place(pod.address, pod.node) for pod in pods if pod.address and _concerns(outage, pod))


def _concerns(outage: Outage, pod: Pod) -> bool:
    if outage.kind in GATEWAYS:
        return (pod.cluster, pod.namespace, pod.workload) == (outage.target, SYSTEM, GATEWAYS[outage.kind])
    return outage.kind == "pod" and pod.full_name == outage.target


def _named(word: str, topology: Topology) -> list[Outage]:
    """By the topology; nodes also without `node/`, links also the other way round."""
    known = fixed(topology)
    for text in (word, word.removeprefix("cluster/"), word.removeprefix("link/"), f"node/{word}"):
        if text in known:
            return [known[text]]
    names = [one.name for one in topology.clusters]
    turned = [f"{one}-{other}" for one in names for other in names if word.removeprefix("link/") == f"{other}-{one}"]
    return [known[text] for text in turned if text in known]


def _of_pods(word: str, pods: Sequence[Pod]) -> list[Outage]:
    """A pod by its name or a part of its full name; all pods of a Deployment after `deployment/`."""
    kind, slash, rest = word.partition("/")
    whole = slash and kind in ("pod", "deployment")
    wanted = rest if whole else word
    by_workload = kind == "deployment"
    hit = [pod for pod in pods if pod.address and _ends(_full(pod, by_workload), wanted)]
    if len({_full(pod, by_workload) for pod in hit}) > 1:
        return []
    return [Outage("pod", pod.full_name) for pod in hit]


def _full(pod: Pod, by_workload: bool) -> str:
    return f"{pod.cluster}/{pod.namespace}/{pod.workload}" if by_workload else pod.full_name


def _ends(full: str, wanted: str) -> bool:
    return bool(wanted) and f"/{full}".endswith(f"/{wanted}")


def _unknown(word: str, topology: Topology, pods: Sequence[Pod] | None) -> str:
    """Why a word means nothing, and what would."""
    by_workload = word.startswith("deployment/")
    names = {f"{'deployment' if by_workload else 'pod'}/{_full(pod, by_workload)}" for pod in pods or ()}
    rest = word.partition("/")[2] or word
    several = sorted(name for name in names if _ends(name, rest))
    if len(several) > 1:
        return f"is ambiguous; say which: {', '.join(several)}"
    known = [*fixed(topology), *sorted(names)]
    near = difflib.get_close_matches(word, known, 1) or [one for one in known if rest in one.rpartition("/")[2]][:1]
    hint = f"did you mean {near[0]}? " if near else ""
    forms = "pod/[CLUSTER/NAMESPACE/]NAME, deployment/[CLUSTER/NAMESPACE/]NAME"
    return f"can't fail, there is nothing of that name; {hint}expected one of {', '.join(fixed(topology))}, {forms}"
