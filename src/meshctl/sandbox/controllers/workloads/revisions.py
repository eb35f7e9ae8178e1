"""A Deployment's revisions: which ReplicaSet is whose, numbered by annotations (Kubernetes 1.31 deployment/util)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meshctl.sandbox.controllers.workloads import owned

Object = dict[str, Any]
PREFIX = "deployment.kubernetes.io/"
REVISION, HISTORY = f"{PREFIX}revision", f"{PREFIX}revision-history"
DESIRED, MAXIMUM = f"{PREFIX}desired-replicas", f"{PREFIX}max-replicas"
HASH = "pod-template-hash"
# What stays with the Deployment.
OWN_ANNOTATIONS = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    *(REVISION, HISTORY, DESIRED, MAXIMUM),
}
FNV_OFFSET, FNV_PRIME = 0x811C9DC5, 0x01000193
# apimachinery's SafeEncodeString: no vowels, nothing that looks like another letter.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def current(deployment: Mapping[str, Any], sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's template, the oldest if there are several."""
    wanted = _bare(deployment["spec"]["template"])
    found = [one for one in sets if _bare(one["spec"]["template"]) == wanted]
    return min(found, key=born, default=None)


def born(found: Mapping[str, Any]) -> tuple[str, str]:
    """By which objects are sorted from the oldest on."""
    return found["metadata"]["creationTimestamp"], found["metadata"]["name"]


def revision(found: Mapping[str, Any]) -> int:
    """The number of a ReplicaSet's or Deployment's revision; 0 if it has none yet."""
    text = (found["metadata"].get("annotations") or {}).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def latest(sets: Iterable[Mapping[str, Any]]) -> int:
    """The highest number among ReplicaSets."""
    return max(map(revision, sets), default=0)


def template_hash(template: Mapping[str, Any], collisions: int) -> str:
    """FNV-1a over the template, safely spelt; the original hashes Go's own dump of it, so the letters differ."""
    value = FNV_OFFSET
    text = json.dumps(template, sort_keys=True) + (str(collisions) if collisions else "")
    for byte in text.encode():
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(value))


def make(deployment: Mapping[str, Any], old: Sequence[Mapping[str, Any]], replicas: int, most: int) -> Object:
    """A ReplicaSet for the Deployment's template."""
    spec, metadata = deployment["spec"], deployment["metadata"]
    collisions = int((deployment.get("status") or {}).get("collisionCount") or 0)
    suffix = template_hash(spec["template"], collisions)
    template = json.loads(json.dumps(spec["template"]))
    labels = {**(template.setdefault("metadata", {}).get("labels") or {}), HASH: suffix}
    template["metadata"]["labels"] = labels
    selector = {**spec["selector"], "matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH: suffix}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{metadata['name']}-{suffix}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": inherited(deployment) | {REVISION: str(latest(old) + 1)} | sizes(spec["replicas"], most),
            "ownerReferences": [owned.reference("Deployment", deployment)],
        },
        "spec": {
            "replicas": replicas,
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": selector,
            "template": template,
        },
    }


def renumbered(found: Mapping[str, Any], deployment: Mapping[str, Any], old: Sequence[Mapping[str, Any]]) -> Object:
    """The annotations of the current ReplicaSet: one that was rolled back to is the latest again."""
    have = found["metadata"].get("annotations") or {}
    wanted: Object = inherited(deployment)
    number, before = latest(old) + 1, revision(found)
    if before >= number:
        return wanted
    history = [one for one in have.get(HISTORY, "").split(",") if one]
    if before:
        wanted[HISTORY] = ",".join([*history, str(before)])
    return {**wanted, REVISION: str(number)}


def inherited(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The Deployment's annotations that its ReplicaSet has, too."""
    have = deployment["metadata"].get("annotations") or {}
    return {key: value for key, value in have.items() if key not in OWN_ANNOTATIONS}


def sizes(desired: int, most: int) -> dict[str, str]:
    """Annotations that tell of which size a ReplicaSet's size was a share."""
    return {DESIRED: str(desired), MAXIMUM: str(most)}


def _bare(template: Mapping[str, Any]) -> Object:
    """A template without what a ReplicaSet adds to it."""
    metadata = dict(template.get("metadata") or {})
    metadata.pop("creationTimestamp", None)
    labels = {key: value for key, value in (metadata.pop("labels", None) or {}).items() if key != HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}
