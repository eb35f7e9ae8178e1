"""Fields that an endpoint ignores, whoever sends them, and so nobody owns through it."""

from __future__ import annotations

from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet, named_fields

# GetResetFields of the registries' strategies, kubernetes v1.36, pkg/registry.
STATUS_EXTRAS = {
    "Pod": ("metadata.deletionTimestamp", "metadata.ownerReferences"),
    "Deployment": ("metadata.labels",),
    "CustomResourceDefinition": ("metadata",),
}


def reset_fields(schema: Schema, kind: str, subresource: str) -> FieldSet:
    """A main resource ignores its status, `/status` the spec."""
    fields = schema.map.fields if schema.map else {}
    if subresource == "status":
        return named_fields("spec", *STATUS_EXTRAS.get(kind, ()))
    return named_fields("status") if "status" in fields and not subresource else EMPTY
