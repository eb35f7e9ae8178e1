"""JSONPath as printer columns use it: fields, indices, wildcards, and filters by equality."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\]\\])+)
      | \[(?P<index>-?\d+)\]
      | \[['"](?P<quoted>(?:\\.|[^'"])+)['"]\]
      | \[(?P<all>\*)\]
      | \[\?\(\s*@\.?(?P<path>[^=!<>]*?)\s*(?P<operator>==|!=)\s*(?P<literal>"[^"]*"|'[^']*'|[^)\s]+)\s*\)\]""",
    re.X,
)


class Path:
    """A path such as `.status.conditions[?(@.type=="Ready")].status`."""

    def __init__(self, text: str) -> None:
        inner = text.strip().removeprefix("{").removesuffix("}")
        inner = inner if inner.startswith((".", "[")) else f".{inner}"
        self._steps = [match.groupdict() for match in _STEP.finditer(inner)]

    def find(self, obj: Mapping[str, Any]) -> list[Any]:
        """Every value at the path."""
        found: list[Any] = [obj]
        for step in self._steps:
            found = [value for one in found for value in _follow(one, step)]
        return [value for value in found if value is not None]


def _follow(value: Any, step: Mapping[str, str | None]) -> Iterable[Any]:
    name = step["field"] or step["quoted"]
    if name == "*" or step["all"]:
        return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if name:
        plain = name.replace("\\", "")
        return [value[plain]] if isinstance(value, dict) and plain in value else ()
    if not isinstance(value, list):
        return ()
    if step["index"]:
        index = int(step["index"])
        return [value[index]] if -len(value) <= index < len(value) else ()
    return [one for one in value if _matches(one, step)]


def _matches(value: Any, step: Mapping[str, str | None]) -> bool:
    literal = (step["literal"] or "").strip("\"'")
    found: Any = value
    for name in filter(None, (step["path"] or "").split(".")):
        found = found.get(name) if isinstance(found, dict) else None
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return (found is not None and text == literal) == (step["operator"] == "==")
