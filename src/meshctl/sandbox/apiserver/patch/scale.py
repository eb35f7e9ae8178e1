"""Ownership of `replicas` between a resource and its /scale (apimachinery v0.36, managedfields/scalehandler.go).

A write to /scale is tracked or applied on a Scale that carries `to_scale(...)` as managedFields; `to_parent` then
brings the outcome back to the resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meshctl.sandbox.apiserver.patch import managedfields
from meshctl.sandbox.apiserver.patch.managedfields import Owned
from meshctl.sandbox.apiserver.patch.structured.fieldset import FieldSet, Path, field_set

SCALE_VERSION = "autoscaling/v1"
REPLICAS: Path = ("f:spec", "f:replicas")

Entries = Sequence[Mapping[str, Any]]


def to_scale(parent: Entries, replicas: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The managedFields of the Scale; `replicas` is the path of the count in each apiVersion of the resource."""
    owners = managedfields.decode(parent)
    return managedfields.encode(
        {
            who: replace(what, fields=field_set([REPLICAS]), api_version=SCALE_VERSION)
            for who, what in owners.items()
            if what.api_version in replicas and replicas[what.api_version] in what.fields
        }
    )


def to_parent(parent: Entries, scale: Entries, api_version: str, replicas: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The resource's managedFields after those of its Scale have become `scale`."""
    owners, scalers, kept = managedfields.decode(parent), managedfields.decode(scale), {}
    for who, what in owners.items():
        if what.api_version not in replicas:
            continue
        if replicas[what.api_version] not in what.fields:
            kept[who] = what
        elif who in scalers:
            del scalers[who]
            kept[who] = what
        elif rest := what.fields - field_set([replicas[what.api_version]]):
            kept[who] = replace(what, fields=rest)
    count: FieldSet = field_set([replicas[api_version]])
    # The real server forgets the time of an entry that is new here.
    times = {who: what.time for who, what in owners.items()}
    kept |= {who: Owned(count, api_version, times.get(who)) for who, what in scalers.items() if REPLICAS in what.fields}
    return managedfields.encode(kept)
