"""JSON as Kubernetes' Go decoder reads it: its numbers, its tolerance of bad text, and its words for errors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.patch.gosyntax import syntax_error

INT64 = range(-(2**63), 2**63)


class BadJson(ValueError):
    """A document that Go's decoder refuses, in its words."""


def loads(data: bytes) -> Any:
    """The document; BadJson if it is none."""
    return _loaded(data, None)


def loads_strictly(data: bytes) -> tuple[Any, list[str]]:
    """The document, and a complaint (`duplicate field "a.b"`) for each key that comes twice."""
    value = _loaded(data, _Pairs)
    return _plain(value), [f'duplicate field "{path}"' for path in _repeated(value, "")]


def _loaded(data: bytes, pairs_hook: Any) -> Any:
    try:
        text = data.decode("utf-8", "replace")
        value = json.loads(
            text, parse_int=_integer, parse_float=_float, parse_constant=_refused, object_pairs_hook=pairs_hook
        )
    except RecursionError as error:
        raise BadJson("exceeded max depth") from error
    except ValueError as error:
        raise BadJson(syntax_error(data) or str(error)) from error
    # Half a surrogate pair is no text in UTF-8; Go replaces it.
    return _mended(value) if "\\ud" in text.lower() else value


def _integer(text: str) -> int | float:
    if len(text) <= len("-9223372036854775808") and (value := int(text)) in INT64:
        return value
    return _float(text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


def _refused(text: str) -> None:
    raise ValueError(text)


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written."""


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _plain(item) for key, item in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _repeated(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen = set[str]()
        for key, item in value:
            path = f"{place}.{key}" if place else key
            if key in seen:
                yield path
            seen.add(key)
            yield from _repeated(item, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated(item, f"{place}[{index}]")


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, _Pairs):
        return _Pairs((_mended(key), _mended(item)) for key, item in value)
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list) else value
