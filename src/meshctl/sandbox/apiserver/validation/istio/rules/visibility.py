"""Rules of to whom an object is visible."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error
from meshctl.sandbox.apiserver.validation.istio.rules import names


def export_to(namespace: str, entries: Sequence[str], service_entry: bool = False, selected: bool = False) -> Problems:
    """To whom an object is visible; `selected`: a destination rule with a workload selector."""
    seen: list[str] = []
    for entry in entries:
        key = namespace if entry == "." else entry
        if key in seen:
            where = f": . and current namespace {namespace}" if key != entry else f" for entry {entry}"
            yield error(f"duplicate entries in exportTo{where}")
            continue
        wrong = [] if service_entry and key == "~" else list(_visibility(key))
        yield from wrong
        if not wrong:
            seen.append(key)
    if selected and seen:
        yield from _selected_export(namespace, seen)
    if "*" in seen and len(entries) > 1:
        yield error("cannot have both public (*) and non-public exportTo values for a resource")
    if "~" in seen and len(entries) > 1:
        yield error("cannot export service entry to no one (~) and someone")


def _selected_export(namespace: str, seen: Sequence[str]) -> Problems:
    if namespace not in seen:
        yield error("destination rule with workload selector cannot have exportTo beyond current namespace")
    elif len(seen) > 1:
        yield error("destination rule with workload selector cannot have multiple entries in exportTo")


def _visibility(key: str) -> Problems:
    if key == "~":
        yield error("exportTo ~ (none) is not allowed for Istio configuration objects")
    elif key not in (".", "*") and not names.is_label(key):
        yield error("only .,*, or a valid DNS 1123 label is allowed as exportTo entry")
