"""What a lab changed, kept as labelled objects of the mesh itself: a killed run is cleared up from them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from meshctl.labs.environment import LABEL, Environment
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE

NAME = "meshctl-lab"
# Every kind that labs apply; the journal comes last, since it says what is still to be undone.
KINDS = ("DestinationRule", "VirtualService", "EnvoyFilter", "Gateway", "PeerAuthentication")
JOURNAL = "ConfigMap"


def labelled(lab: str, item: Manifest) -> Manifest:
    """An object marked as the lab's own."""
    metadata: dict[str, Any] = {**item["metadata"], "labels": {**item["metadata"].get("labels", {}), LABEL: lab}}
    return {**item, "metadata": metadata}


def note(env: Environment, lab: str, outages: Iterable[Outage]) -> None:
    """Write down which outages are, or are about to be, the lab's."""
    data = {str(number): words(outage) for number, outage in enumerate(outages)}
    env.apply(labelled(lab, manifest("v1", JOURNAL, NAME, NAMESPACE, data=data)))


def noted(env: Environment) -> list[Outage]:
    """The outages that a lab brought about."""
    found = [item for item in owned(env, [JOURNAL]) if item["metadata"]["name"] == NAME]
    return [_outage(text) for item in found for text in (item.get("data") or {}).values()]


def owned(env: Environment, kinds: Iterable[str] = KINDS) -> list[Manifest]:
    """The objects that labs applied."""
    return [item for kind in kinds for item in env.objects(kind) if _is_ours(item)]


def running(env: Environment) -> str:
    """The lab whose traces are in the mesh; empty if there are none."""
    return next((str(item["metadata"]["labels"][LABEL]) for item in owned(env, (*KINDS, JOURNAL))), "")


def clear(env: Environment) -> list[str]:
    """Undo all that labs did; the lines of what changed. Whatever somebody else made stays."""
    undone = []
    for item in owned(env):
        env.delete(item)
        undone.append(f"- {item['kind']} {item['metadata']['namespace']}/{item['metadata']['name']}")
    for outage in noted(env):
        env.heal(outage)
        undone.append(f"- outage {words(outage)}")
    for item in owned(env, [JOURNAL]):
        env.delete(item)
    return undone


def words(outage: Outage) -> str:
    """An outage as people name it, and as `meshctl predict --fail` takes it."""
    if outage.service:
        return f"{outage.kind}/{outage.service}@{outage.cluster}"
    return outage.cluster if outage.kind == "cluster" else f"{outage.kind}/{outage.cluster}"


def _is_ours(item: Manifest) -> bool:
    return LABEL in (item["metadata"].get("labels") or {})


def _outage(text: str) -> Outage:
    kind, _, rest = text.partition("/")
    service, at, cluster = rest.partition("@")
    if at:
        return Outage(kind, cluster, service)
    return Outage(kind, rest) if rest else Outage("cluster", text)
