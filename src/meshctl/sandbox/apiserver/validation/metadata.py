"""Validation of `metadata` (apimachinery, api/validation, 1.36)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, forbidden, invalid, required, too_long

NameRule = Callable[[str], list[str]]
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_ANNOTATIONS_LIMIT = 256 * 1024
_IMMUTABLE = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def metadata_causes(meta: dict[str, Any], name_rule: NameRule, namespaced: bool) -> Iterator[Cause]:
    """What is wrong with the metadata of a new object."""
    generate = meta.get("generateName") or ""
    if generate:
        trimmed = generate[:-1] + "a" if generate.endswith("-") else generate
        yield from (invalid("metadata.generateName", generate, text) for text in name_rule(trimmed))
    name = meta.get("name") or ""
    if not name and not generate:
        yield required("metadata.name", "name or generateName is required")
    if name:
        yield from (invalid("metadata.name", name, text) for text in name_rule(name))
    yield from _namespace(meta.get("namespace") or "", namespaced)
    if (meta.get("generation") or 0) < 0:
        yield invalid("metadata.generation", meta["generation"], "must be greater than or equal to 0")
    yield from label_causes(meta.get("labels") or {}, "metadata.labels")
    yield from annotation_causes(meta.get("annotations") or {}, "metadata.annotations")
    yield from _owners(meta.get("ownerReferences") or [])
    yield from _finalizers(meta.get("finalizers") or [])


def _namespace(namespace: str, namespaced: bool) -> Iterator[Cause]:
    field = "metadata.namespace"
    if not namespaced:
        if namespace:
            yield forbidden(field, "not allowed on this type")
    elif not namespace:
        yield required(field)
    else:
        yield from (invalid(field, namespace, text) for text in names.label(namespace))


def label_causes(labels: dict[str, str], field: str) -> Iterator[Cause]:
    """Labels, in `metadata` or in a selector."""
    for key, value in labels.items():
        yield from (invalid(field, key, text) for text in names.qualified_name(key))
        yield from (invalid(field, value, text) for text in names.label_value(value))


def annotation_causes(annotations: dict[str, str], field: str) -> Iterator[Cause]:
    """Annotations: keys like those of labels, in any case of letters; 256 KiB in all."""
    for key in annotations:
        yield from (invalid(field, key, text) for text in names.qualified_name(key.lower()))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT:
        yield too_long(field, _ANNOTATIONS_LIMIT)


def _owners(owners: list[dict[str, Any]]) -> Iterator[Cause]:
    controllers = [owner for owner in owners if owner.get("controller")]
    for at, owner in enumerate(owners):
        field = f"metadata.ownerReferences[{at}]"
        if not owner.get("apiVersion"):
            yield invalid(f"{field}.apiVersion", owner.get("apiVersion", ""), "version must not be empty")
        for name in ("kind", "name", "uid"):
            if not owner.get(name):
                yield invalid(f"{field}.{name}", owner.get(name, ""), "must not be empty")
    if len(controllers) > 1:
        first, second = (f"{owner.get('kind')}/{owner.get('name')}" for owner in controllers[:2])
        text = f'Found "true" in references for {first} and {second}'
        yield invalid("metadata.ownerReferences", owners, f"Only one reference can have Controller set to true. {text}")


def _finalizers(finalizers: list[str]) -> Iterator[Cause]:
    for at, name in enumerate(finalizers):
        field = f"metadata.finalizers[{at}]"
        wrong = names.qualified_name(name)
        yield from (invalid(field, name, text) for text in wrong)
        if "/" not in name and name not in _STANDARD_FINALIZERS and not wrong:
            yield invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified")


def change_causes(meta: dict[str, Any], old: dict[str, Any]) -> Iterator[Cause]:
    """What must not change in the metadata of an object."""
    for name in _IMMUTABLE:
        if name in old and meta.get(name) != old[name] and name in meta:
            yield invalid(f"metadata.{name}", meta[name], "field is immutable")
    if (meta.get("generation") or 0) < (old.get("generation") or 0):
        yield invalid("metadata.generation", meta.get("generation"), "must not be decremented")
    yield from _late_finalizers(meta, old)


def _late_finalizers(meta: dict[str, Any], old: dict[str, Any]) -> Iterator[Cause]:
    if not old.get("deletionTimestamp"):
        return
    added = [name for name in meta.get("finalizers") or [] if name not in (old.get("finalizers") or [])]
    if added:
        text = f"no new finalizers can be added if the object is being deleted, found new finalizers {_shown(added)}"
        yield forbidden("metadata.finalizers", text)


def _shown(values: list[str]) -> str:
    quoted = ", ".join(f'"{value}"' for value in values)
    return f"[]string{{{quoted}}}"
