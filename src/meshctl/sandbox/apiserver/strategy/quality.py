"""A pod's quality-of-service class: k8s.io/kubernetes/pkg/apis/core/v1/helper/qos."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

COUNTED = ("cpu", "memory")
SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
DECIMALS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def quantity(text: object) -> Decimal:
    """The number that a quantity such as `100m` or `64Mi` stands for; 0 if it is none."""
    word = str(text)
    try:
        if word[-2:] in SUFFIXES:
            return Decimal(word[:-2]) * SUFFIXES[word[-2:]]
        if word[-1:] in DECIMALS:
            return Decimal(word[:-1]).scaleb(DECIMALS[word[-1:]])
        return Decimal(word)
    except InvalidOperation:
        return Decimal(0)


def of(spec: Mapping[str, Any]) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [container.get("resources") or {} for container in containers]
    asked = [_counted(one, kind) for one in resources for kind in ("requests", "limits")]
    if not any(asked):
        return "BestEffort"
    return "Guaranteed" if all(_guaranteed(one) for one in resources) else "Burstable"


def _counted(resources: Mapping[str, Any], kind: str) -> dict[str, Decimal]:
    given = {name: quantity(value) for name, value in (resources.get(kind) or {}).items() if name in COUNTED}
    return {name: amount for name, amount in given.items() if amount > 0}


def _guaranteed(resources: Mapping[str, Any]) -> bool:
    limits = _counted(resources, "limits")
    return set(limits) == set(COUNTED) and _counted(resources, "requests") in ({}, limits)
