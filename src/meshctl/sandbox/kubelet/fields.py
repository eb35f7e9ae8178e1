"""What a pod may know of itself: fieldRef and resourceFieldRef, as environment and as files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Object = dict[str, Any]
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_QUANTITY = re.compile(r"([0-9.]+)([a-zA-Z]*)")
_SUFFIXES = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9)}
_SUFFIXES |= {"T": Decimal(10**12), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}


def field(pod: Mapping[str, Any], path: str) -> str:
    """The value of a fieldPath; labels and annotations as a file shows them. ValueError if there is no such field."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    if found := _SUBSCRIPT.fullmatch(path):
        return str((metadata.get(found[1]) or {}).get(found[2], ""))
    values = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "metadata.labels": _listed(metadata.get("labels")),
        "metadata.annotations": _listed(metadata.get("annotations")),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": status.get("podIP", ""),
        "status.podIPs": status.get("podIP", ""),
        "status.hostIP": status.get("hostIP", ""),
        "status.hostIPs": status.get("hostIP", ""),
    }
    if path not in values:
        raise ValueError(f"unsupported fieldPath: {path}")
    return str(values[path])


def resource(container: Mapping[str, Any], reference: Mapping[str, Any], capacity: Mapping[str, str]) -> str:
    """The value of a resourceFieldRef, in units of its divisor, rounded up; a limit that is not set is the node's."""
    kind, _, name = reference["resource"].partition(".")
    stated = (container.get("resources") or {}).get(kind) or {}
    fallback = capacity.get(name, "0") if kind == "limits" else "0"
    divisor = str(reference.get("divisor") or "1")
    unit = quantity(divisor) or Decimal(1)
    return str(math.ceil(quantity(str(stated.get(name, fallback))) / unit))


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity as a number."""
    found = _QUANTITY.fullmatch(text)
    if not found or found[2] not in _SUFFIXES:
        raise ValueError(f'"{text}" is no quantity')
    return Decimal(found[1]) * _SUFFIXES[found[2]]


def _listed(entries: Mapping[str, str] | None) -> str:
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted((entries or {}).items()))
