"""The types of a CRD's schema that are one of several things in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch.protobuf.wellknown import EXTENSIONS

# Each type's protobuf fields, the one that wins in JSON first.
CHOICES: Mapping[str, tuple[str, str]] = {
    f"{EXTENSIONS}.JSONSchemaPropsOrArray": ("jSONSchemas", "schema"),
    f"{EXTENSIONS}.JSONSchemaPropsOrBool": ("schema", "allows"),
    f"{EXTENSIONS}.JSONSchemaPropsOrStringArray": ("property", "schema"),
}


def chosen(name: str, values: Mapping[str, Any]) -> Any:
    """The JSON of a choice from its decoded protobuf fields."""
    first, second = CHOICES[name]
    return values[first] if values.get(first) is not None else values.get(second, False if second == "allows" else None)


def split(name: str, value: Any) -> dict[str, Any]:
    """The protobuf fields of a choice from its JSON."""
    if isinstance(value, bool):
        return {"allows": value}
    if isinstance(value, list):
        return {CHOICES[name][0]: value}
    # A schema alone also stands for "allowed".
    return {"schema": value} | ({"allows": True} if "allows" in CHOICES[name] else {})
