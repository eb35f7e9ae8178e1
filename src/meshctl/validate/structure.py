"""What the JSON Schema says about a document, in words a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from meshctl.validate.document import Fault, Keys
from meshctl.validate.schema import DOMAIN, LABEL, NAME, TOPOLOGY, VERSION

_PATTERNS = {
    NAME: "lower-case letters, digits and '-', at most 63, starting and ending with a letter or digit",
    LABEL: "a label value: letters, digits, '-', '_' and '.', at most 63, starting and ending with a letter or digit",
    DOMAIN: "a lower-case DNS name",
    VERSION: "a version such as 1.31.0 (in quotes)",
}
_TYPES = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}
_SCHEMA_TYPES = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}


def faults(value: Any) -> Iterator[Fault]:
    """Every place where a document departs from the schema: its path and what is wrong there."""
    for fault in Draft202012Validator(TOPOLOGY).iter_errors(value):
        yield from _faults(fault)


def sound(value: Any, paths: Iterable[Keys]) -> dict[str, Any]:
    """A copy of the document without the values at `paths`, so that the rest can be looked at too."""
    copy = deepcopy(value)
    if not isinstance(copy, dict):
        return {}
    for keys in sorted(paths, key=len, reverse=True):
        _remove(copy, keys)
    return copy


def _remove(value: Any, keys: Keys) -> None:
    if not keys:
        return
    for key in keys[:-1]:
        value = value[key]
    last = keys[-1]
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and isinstance(last, int) and last < len(value):
        # Other items keep their places, and so their lines.
        value[last] = {}


def _faults(fault: ValidationError) -> Iterator[Fault]:
    keys: Keys = tuple(fault.absolute_path)
    schema: Any = fault.schema
    seen: Any = fault.instance
    wanted: Any = fault.validator_value
    if fault.validator == "additionalProperties":
        known = list(schema["properties"])
        for key in seen:
            if key not in known:
                yield (*keys, key), _unknown(key, known)
    elif fault.validator == "required":
        for key in wanted:
            # jsonschema reports each missing key by itself: the message names the one that this fault means.
            if key not in seen and fault.message.startswith(repr(key)):
                about = schema["properties"][key]["description"]
                yield (*keys, key), f"is missing: {_lower_first(about)}"
    else:
        yield keys, _message(fault)


def _lower_first(text: str) -> str:
    return text if text[:2].isupper() else text[0].lower() + text[1:]


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown key; {hint}expected one of {', '.join(sorted(known))}"


def _message(fault: ValidationError) -> str:
    seen = _show(fault.instance)
    allowed: Any = fault.validator_value
    schema: Any = fault.schema
    match fault.validator:
        case "type":
            kinds = [allowed] if isinstance(allowed, str) else allowed
            wanted = " or ".join(_SCHEMA_TYPES.get(kind, kind) for kind in kinds)
            return f"is {_kind(fault.instance)}; expected {wanted}"
        case "enum":
            return f"is {seen}; expected {' or '.join(map(str, allowed))}"
        case "pattern":
            return f"is {seen}; expected {_PATTERNS[allowed]}"
        case "minItems" | "minLength":
            return "is empty; expected at least one item" if fault.validator == "minItems" else "is empty"
        case "minimum" | "maximum":
            return f"is {seen}; expected {schema['minimum']} to {schema['maximum']}"
    return f"is {seen}: {fault.validator} {_show(allowed)}"


def _kind(value: Any) -> str:
    return (
        _TYPES[type(value)]
        if isinstance(value, dict | list | type(None))
        else f"{_TYPES[type(value)]} ({_show(value)})"
    )


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
