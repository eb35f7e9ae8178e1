"""A YAML file read with care: plain values, the line of each of them, and one clear error for each fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meshctl.errors import InvalidInput, Problem, UsageError

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 32
Keys = tuple[str | int, ...]
Fault = tuple[Keys, str]

# libyaml where PyYAML was built with it: ten times faster.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its value and the 1-based line of the value at each path."""

    source: str
    value: Any
    lines: dict[Keys, int]

    def line(self, keys: Keys) -> int:
        """Line of the value at `keys`, or of the nearest parent that exists."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys, 1)


def read(path: Path) -> str:
    """Text of a file; UsageError if it is missing, no regular file, unreadable, too large or not UTF-8."""
    try:
        if path.is_dir():
            raise UsageError(f"{path}: is a directory; expected a YAML file")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: is not a regular file; expected a YAML file")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; `meshctl init` writes one") from None
    except (OSError, ValueError) as fault:
        raise UsageError(f"{path}: can't be read: {getattr(fault, 'strerror', None) or fault}") from None
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path}: is larger than {MAX_BYTES // 1024 // 1024} MiB; expected a topology, not data")
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise UsageError(f"{path}:{line}: is not UTF-8 (byte {content[fault.start]:#04x}); save it as UTF-8") from None


def parse(text: str, source: str) -> Document:
    """Parse one YAML document; InvalidInput names every duplicate key, alias and fault of syntax by line."""
    problems: list[Problem] = []
    try:
        if fault := _first_hazard(text):
            raise InvalidInput(source, [fault])
        root = yaml.compose(text, Loader=_Loader)
        lines: dict[Keys, int] = {}
        value = None if root is None else _construct(root, (), lines, problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InvalidInput(source, [Problem(line, "", _syntax(error, text, line))]) from None
    except yaml.YAMLError as error:
        raise InvalidInput(source, [Problem(1, "", f"is not YAML: {error}".splitlines()[0])]) from None
    if problems:
        raise InvalidInput(source, problems)
    return Document(source, value, lines)


def _first_hazard(text: str) -> Problem | None:
    """Faults that must be found before anything is built: aliases can multiply, deep nesting ends in recursion."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            return Problem(line, "", f"YAML alias *{event.anchor} is not allowed; write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                return Problem(line, "", "a second YAML document starts here; expected one document")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return Problem(line, "", f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _syntax(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    rows = text.splitlines()
    if line <= len(rows) and "\t" in rows[line - 1][: len(rows[line - 1]) - len(rows[line - 1].lstrip())]:
        return "a tab indents this line; YAML allows only spaces"
    return f"is not YAML: {error.problem or error.context}"


def _construct(node: yaml.Node, keys: Keys, lines: dict[Keys, int], problems: list[Problem]) -> Any:
    lines[keys] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, keys, lines, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*keys, i), lines, problems) for i, item in enumerate(node.value)]
    return _scalar(node, keys, problems)


def _mapping(node: yaml.MappingNode, keys: Keys, lines: dict[Keys, int], problems: list[Problem]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(line, path(keys), "has a key that is no text"))
            continue
        key = key_node.value
        if key in first:
            problems.append(Problem(line, path((*keys, key)), f"duplicate key, first used in line {first[key]}"))
            continue
        first[key] = line
        result[key] = _construct(value_node, (*keys, key), lines, problems)
        lines[*keys, key] = line
    return result


def _scalar(node: yaml.Node, keys: Keys, problems: list[Problem]) -> Any:
    # A date stays text: YAML 1.1 would make 2026-01-01 an object that no field wants.
    convert = _SCALARS.get(node.tag)
    if convert is None:
        return node.value
    try:
        return convert(node.value)
    except (ValueError, KeyError):
        problems.append(Problem(node.start_mark.line + 1, path(keys), f"{node.value[:40]!r} is not a {node.tag[18:]}"))
        return None


def _boolean(text: str) -> bool:
    return {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}[text.lower()]


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    if len(plain) > 20:
        raise ValueError(text)
    return int(plain, 8) if plain.lstrip("+-").startswith("0") and plain.strip("+-").isdigit() else int(plain, 0)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": _boolean,
    "tag:yaml.org,2002:int": _integer,
    "tag:yaml.org,2002:float": float,
}


def path(keys: Keys) -> str:
    """`clusters[0].nodes[1].address` for a path of keys and indices."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text
