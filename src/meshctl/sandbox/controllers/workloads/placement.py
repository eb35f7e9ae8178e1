"""Which node a pod goes to: what rules nodes out, and which of the rest is best (Kubernetes 1.31 pkg/scheduler)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meshctl.sandbox.controllers import selectors
from meshctl.sandbox.controllers.workloads import owned
from meshctl.sandbox.kubelet.fields import quantity

Object = dict[str, Any]
HARD_EFFECTS = ("NoSchedule", "NoExecute")
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
MATCHING = "node(s) didn't match Pod's node affinity/selector"


def obstacle(pod: Mapping[str, Any], node: Mapping[str, Any], placed: Sequence[Mapping[str, Any]]) -> str:
    """Why a pod can't go to a node, in the scheduler's words; empty if it can. `placed` are the node's pods."""
    spec = node.get("spec") or {}
    if spec.get("unschedulable") and not _tolerated({"key": UNSCHEDULABLE, "effect": "NoSchedule"}, pod):
        return "node(s) were unschedulable"
    for taint in spec.get("taints") or ():
        if taint["effect"] in HARD_EFFECTS and taint["key"] != UNSCHEDULABLE and not _tolerated(taint, pod):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    if not _selected(pod["spec"], node):
        return MATCHING
    if _ports(pod) & {port for one in placed for port in _ports(one)}:
        return "node(s) didn't have free ports for the requested pod ports"
    if term := _repelled(pod, placed):
        return term
    return _short(pod, node, placed)


def best(
    pod: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], pods: Mapping[str, Sequence[Mapping[str, Any]]]
) -> str:
    """The name of the best of the nodes that are possible: spread the owner's pods, then all pods."""
    holder = (owned.controller(pod) or {}).get("uid")
    alike = _alike(pod)

    def rank(node: Mapping[str, Any]) -> tuple[object, ...]:
        placed = pods.get(node["metadata"]["name"], ())
        siblings = sum((owned.controller(one) or {}).get("uid") == holder for one in placed) if holder else 0
        same = sum(_alike(one) == alike for one in placed)
        soft = sum(
            one["effect"] == "PreferNoSchedule" and not _tolerated(one, pod)
            for one in (node.get("spec") or {}).get("taints") or ()
        )
        return soft, -_preference(pod["spec"], node), siblings, same, len(placed), node["metadata"]["name"]

    return str(min(nodes, key=rank)["metadata"]["name"])


def verdict(obstacles: Iterable[str], total: int) -> str:
    """The message of a pod that can go nowhere."""
    counted = Counter(obstacles)
    if not total:
        return "no nodes available to schedule pods"
    said = ", ".join(sorted(f"{count} {why}" for why, count in counted.items()))
    helpless = f"preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    return f"0/{total} nodes are available: {said}. {helpless}"


def _tolerated(taint: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    for one in pod["spec"].get("tolerations") or ():
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("operator") == "Exists" and one.get("key") in (None, "", taint["key"]):
            return True
        if one.get("key") == taint["key"] and one.get("value", "") == taint.get("value", ""):
            return True
    return False


def _selected(spec: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return not required or any(_term(one, node) for one in required.get("nodeSelectorTerms") or ())


def _term(term: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    labels, fields = node["metadata"].get("labels") or {}, {"metadata.name": node["metadata"]["name"]}
    expressions, named = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not named:
        return False
    meets = selectors.requirement
    return all(meets(one, labels) for one in expressions) and all(meets(one, fields) for one in named)


def _preference(spec: Mapping[str, Any], node: Mapping[str, Any]) -> int:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return sum(int(one["weight"]) for one in preferred if _term(one["preference"], node))


def _ports(pod: Mapping[str, Any]) -> set[tuple[int, str]]:
    containers = pod["spec"].get("containers") or ()
    ports = [port for one in containers for port in one.get("ports") or () if port.get("hostPort")]
    return {(int(port["hostPort"]), port.get("protocol", "TCP")) for port in ports}


def _repelled(pod: Mapping[str, Any], placed: Sequence[Mapping[str, Any]]) -> str:
    """Anti-affinity by host, the pod's own and that of those on the node."""
    near = [(pod, one) for one in placed]
    if any(_avoids(one, other) for one, other in near):
        return "node(s) didn't match pod anti-affinity rules"
    if any(_avoids(other, one) for one, other in near):
        return "node(s) didn't satisfy existing pods anti-affinity rules"
    return ""


def _avoids(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    affinity = (one["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
        spaces = term.get("namespaces") or [one["metadata"]["namespace"]]
        if term.get("topologyKey") != "kubernetes.io/hostname" or other["metadata"]["namespace"] not in spaces:
            continue
        if selectors.matches(term.get("labelSelector") or {}, other["metadata"].get("labels") or {}):
            return True
    return False


def _short(pod: Mapping[str, Any], node: Mapping[str, Any], placed: Sequence[Mapping[str, Any]]) -> str:
    room = (node.get("status") or {}).get("allocatable") or {}
    if len(placed) >= int(quantity(room.get("pods", "110"))):
        return "Too many pods"
    for resource in ("cpu", "memory"):
        wanted = _request(pod, resource)
        used = sum(_request(one, resource) for one in placed)
        if wanted and resource in room and used + wanted > quantity(room[resource]):
            return f"Insufficient {resource}"
    return ""


def _request(pod: Mapping[str, Any], resource: str) -> Decimal:
    def of(containers: Iterable[Mapping[str, Any]]) -> list[Decimal]:
        return [quantity(((one.get("resources") or {}).get("requests") or {}).get(resource, "0")) for one in containers]

    return max([sum(of(pod["spec"].get("containers") or ()), Decimal()), *of(pod["spec"].get("initContainers") or ())])


def _alike(pod: Mapping[str, Any]) -> tuple[str, str]:
    """The pod's application: versions of one application spread over nodes, too."""
    labels = pod["metadata"].get("labels") or {}
    return pod["metadata"]["namespace"], labels.get("app") or labels.get("app.kubernetes.io/name") or ""
