"""Steps of a field path, written as FieldsV1 writes them: `f:spec`, `k:{"name":"a"}`, `v:"x"`, `i:0`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from meshctl.sandbox.apiserver.patch.schema import ListType
from meshctl.sandbox.apiserver.patch.values import MISSING

RANKS = {"f": 0, "k": 1, "v": 2, "i": 3}
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class BadElement(ValueError):
    """A list item without a place in its list, or a step that cannot be read."""


def go_json(value: Any) -> str:
    """JSON text as Go writes it: keys sorted, no blanks, no `.0`, HTML characters escaped."""
    text = json.dumps(_whole(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.translate(ESCAPES)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def key_element(keys: Mapping[str, Any]) -> str:
    fields = ",".join(f"{go_json(name)}:{go_json(keys[name])}" for name in sorted(keys))
    return f"k:{{{fields}}}"


def item_element(kind: ListType, item: Any) -> str:
    """The step to an item of an associative list; BadElement (in structured-merge-diff's words) if there is none."""
    return _keyed(kind, item) if kind.keys else _set_member(item)


def _keyed(kind: ListType, item: Any) -> str:
    if item is None:
        raise BadElement("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise BadElement("associative list with keys may not have non-map elements")
    found = {key: item[key] if key in item else _default(kind, key) for key in kind.keys}
    present = {key: value for key, value in found.items() if value is not MISSING}
    if not present:
        names = " ".join(f'"{key}"' for key in kind.keys)
        raise BadElement(
            f"associative list with keys has an element that omits all key fields [{names}]"
            " (and doesn't have default values for any key fields)"
        )
    return key_element(present)


def _default(kind: ListType, key: str) -> Any:
    fields = kind.item.map.fields if kind.item.map else {}
    return fields[key].default if key in fields else MISSING


def _set_member(item: Any) -> str:
    if isinstance(item, dict):
        raise BadElement("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise BadElement("not supported: associative list with lists as elements")
    if item is None:
        raise BadElement("associative list without keys has an element that's an explicit null")
    return f"v:{go_json(item)}"


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """A step read from FieldsV1 in our spelling; None for kinds of a future version; BadElement if malformed."""
    if len(text) < 2:
        raise BadElement("key must be 2 characters long:")
    if text[1] != ":":
        raise BadElement(f"missing colon: {text}")
    kind, content = text[0], text[2:]
    if kind not in RANKS:
        return None
    if kind == "f":
        return text
    try:
        value = json.loads(content)
    except ValueError as error:
        raise BadElement(f"{text}: {error}") from error
    return _respelled(kind, value, text)


def _respelled(kind: str, value: Any, text: str) -> str:
    if kind == "k":
        if not isinstance(value, dict):
            raise BadElement(f"{text}: not an object")
        return key_element(value)
    if kind == "i":
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadElement(f"{text}: not a number")
        return text
    return f"v:{go_json(value)}"


@lru_cache(maxsize=4096)
def order(element: str) -> tuple[Any, ...]:
    """Sort key: fields by name, then keys, values and indices by structured-merge-diff's order of values."""
    kind, content = element[0], element[2:]
    if kind == "f":
        return (0, content)
    value = json.loads(content)
    if kind == "k":
        return (1, tuple((name, value_order(value[name])) for name in sorted(value)))
    return (RANKS[kind], value_order(value))


def value_order(value: Any) -> tuple[Any, ...]:
    """Numbers < strings < booleans < lists < maps < null."""
    match value:
        case bool():
            return (2, value)
        case int() | float():
            return (0, value)
        case str():
            return (1, value)
        case list():
            return (3, tuple(map(value_order, value)))
        case dict():
            return (4, tuple((key, value_order(value[key])) for key in sorted(value)))
        case _:
            return (5,)


def text(element: str) -> str:
    """How messages write a step: `.spec`, `[name="a"]`, `[="x"]`, `[0]`."""
    kind, content = element[0], element[2:]
    if kind == "f":
        return f".{content}"
    value = json.loads(content)
    if kind == "k":
        return "[" + ",".join(f"{name}={_value_text(value[name])}" for name in sorted(value)) + "]"
    return f"[={_value_text(value)}]" if kind == "v" else f"[{value}]"


def _value_text(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"{key}={_value_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "[" + ",".join(map(_value_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
