"""Pods by the names that people give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from meshctl.errors import UsageError
from meshctl.mesh.clusters import Survey
from meshctl.mesh.pod import Pod

DEPLOYMENTS = ("deploy", "deployment", "deployments")
SHOWN = 6


def find(survey: Survey, name: str, proxies: bool = False) -> Pod:
    """The one pod of that name; UsageError with the nearest names, or with every pod that it could be.

    A name is `[CLUSTER/][NAMESPACE/]POD`, `POD.NAMESPACE`, or `[CLUSTER/]deploy/NAME`, of which one ready pod is
    taken. Instead of a pod's its workload's name will do. `proxies`: only pods with an Envoy count.
    """
    pods = survey.proxies if proxies else survey.pods
    found = _matching(pods, name)
    if len({one.cluster for one in found}) == 1 and _is_deployment(name):
        return min(found, key=lambda one: (not one.ready, not one.running, one.name))
    if len(found) > 1:
        running = [one for one in found if one.running]
        found = running if len(running) == 1 else found
    if len(found) == 1:
        return found[0]
    raise UsageError(_ambiguous(name, found) if found else _unknown(name, pods, survey, proxies))


def find_all(survey: Survey, names: Sequence[str], proxies: bool = False) -> list[Pod]:
    """The pod of each name, once; UsageError tells of every name that is wrong."""
    found, faults = [], []
    for name in names:
        try:
            found.append(find(survey, name, proxies))
        except UsageError as fault:
            faults.append(str(fault))
    if faults:
        raise UsageError("\n".join(faults))
    return list(dict.fromkeys(found))


def container(pod: Pod, name: str | None) -> str:
    """The container of that name, the application's without one; UsageError if the pod has none such."""
    if name is None:
        return pod.default_container
    if name in pod.containers:
        return name
    raise UsageError(f"{pod.full_name} has no container {name!r}; expected {' or '.join(pod.containers)}")


def _matching(pods: Sequence[Pod], name: str) -> list[Pod]:
    exact = [one for one in pods if name in _exact(one)]
    return exact or [one for one in pods if name in _loose(one)]


def _exact(pod: Pod) -> Iterator[str]:
    yield from (pod.name, pod.proxy_name, f"{pod.namespace}/{pod.name}")
    yield from (f"{pod.cluster}/{pod.name}", f"{pod.cluster}/{pod.proxy_name}", pod.full_name)


def _loose(pod: Pod) -> Iterator[str]:
    kinds = ("", *(f"{kind}/" for kind in DEPLOYMENTS))
    for kind in kinds:
        for workload in (pod.workload, f"{pod.workload}.{pod.namespace}"):
            yield f"{kind}{workload}"
            yield f"{pod.cluster}/{kind}{workload}"
    yield f"{pod.namespace}/{pod.workload}"
    yield f"{pod.cluster}/{pod.namespace}/{pod.workload}"


def _is_deployment(name: str) -> bool:
    return any(part in DEPLOYMENTS for part in name.split("/")[:-1])


def _ambiguous(name: str, found: Sequence[Pod]) -> str:
    return f"{name!r} could be any of {', '.join(one.full_name for one in found)}; say which"


def _unknown(name: str, pods: Sequence[Pod], survey: Survey, proxies: bool) -> str:
    what = "proxy" if proxies else "pod"
    unasked = "".join(f"; {cluster} could not be asked: {reason}" for cluster, reason in survey.silent.items())
    near = _near(name, pods)
    if near:
        return f"{what} {name!r} is unknown; did you mean {' or '.join(near)}?{unasked}"
    if not pods:
        return f"{what} {name!r} is unknown: the mesh has none{unasked}"
    names = [one.full_name for one in pods]
    more = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return f"{what} {name!r} is unknown; there are {', '.join(names[:SHOWN] + more)}{unasked}"


def _near(name: str, pods: Sequence[Pod]) -> list[str]:
    spelled = {text: pod.full_name for pod in reversed(pods) for text in (*_loose(pod), *_exact(pod))}
    within = [one.full_name for one in pods if len(name) > 2 and name in one.full_name]
    close = [spelled[text] for text in get_close_matches(name, spelled, SHOWN)]
    return list(dict.fromkeys(within or close))[:SHOWN]
