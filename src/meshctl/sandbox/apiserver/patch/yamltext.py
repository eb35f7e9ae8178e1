"""YAML as Kubernetes reads it: converted to JSON values, keys to strings, repeated keys reported."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.scanner import ScannerError

from meshctl.sandbox.apiserver.patch import gojson

TRUE = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
FALSE = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
NULL = {"", "~", "null", "Null", "NULL"}
INTEGER = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MERGE = "<<"


class BadYaml(ValueError):
    """Text that is no YAML document of JSON values, in Kubernetes' words."""


def load_yaml(data: bytes) -> tuple[Any, list[str]]:
    """The document, and a complaint for each repeated key; BadYaml if it is none."""
    if data.lstrip().startswith(b"{"):
        try:
            # Most clients send JSON, which is read ten times faster as such.
            return gojson.loads(data), _repeated(data)
        except gojson.BadJson:
            pass
    complaints: list[str] = []
    return _value(_composed(data), complaints), _strict(complaints)


def _repeated(data: bytes) -> list[str]:
    _, complaints = gojson.loads_strictly(data)
    if not complaints:
        return []
    found: list[str] = []
    _value(_composed(data), found)
    return _strict(found)


def _strict(complaints: list[str]) -> list[str]:
    if not complaints:
        return []
    text = "".join(f"\n  {one}" for one in complaints)
    return [f"error converting YAML to JSON: yaml: unmarshal errors:{text}"]


def _composed(data: bytes) -> yaml.Node | None:
    """The first document's tree."""
    try:
        return next(yaml.compose_all(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), None)
    except yaml.MarkedYAMLError as error:
        raise BadYaml(f"error converting YAML to JSON: yaml: {_place(error)}{error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadYaml(f"error converting YAML to JSON: yaml: {error}") from error


def _place(error: yaml.MarkedYAMLError) -> str:
    """The line as yaml.v2 counts it: from one for the scanner, from zero for the parser, and no line zero."""
    line = error.problem_mark.line if error.problem_mark else 0
    if line and isinstance(error, ScannerError):
        line += 1
    if not line and error.context_mark:
        line = error.context_mark.line
    return f"line {line}: " if line else ""


def _value(node: yaml.Node | None, complaints: list[str]) -> Any:
    match node:
        case yaml.MappingNode():
            return _mapping(node, complaints)
        case yaml.SequenceNode():
            return [_value(item, complaints) for item in node.value]
        case yaml.ScalarNode():
            return _scalar(node)
    return None


def _mapping(node: yaml.MappingNode, complaints: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, item in node.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.value == MERGE and not key_node.style:
            merged |= _merged(item, complaints)
            continue
        key = _key(key_node)
        if key in found:
            complaints.append(f'line {key_node.start_mark.line + 1}: key "{key}" already set in map')
        found[key] = _value(item, complaints)
    return merged | found


def _merged(node: yaml.Node, complaints: list[str]) -> dict[str, Any]:
    value = _value(node, complaints)
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, dict) for part in parts):
        raise BadYaml("error converting YAML to JSON: yaml: map merge requires map or sequence of maps as the value")
    return {key: item for part in reversed(parts) for key, item in part.items()}


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise BadYaml("error converting YAML to JSON: unsupported map key of type: map")
    value = _scalar(node)
    if isinstance(value, bool):
        return str(value).lower()
    return node.value if value is None else str(value)


def _scalar(node: yaml.ScalarNode) -> Any:
    return str(node.value) if node.style else _plain(str(node.value))


def _plain(text: str) -> Any:
    """What an unquoted scalar stands for (YAML 1.1 as yaml.v2 has it; a date is text)."""
    if text in NULL:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        return _integer(text.replace("_", ""))
    if FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> Any:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    if digits[:2] in ("0b", "0x", "0o"):
        return sign * int(digits, 0)
    is_octal = len(digits) > 1 and digits[0] == "0" and all(digit in "01234567" for digit in digits)
    value = sign * int(digits, 8 if is_octal else 10)
    return value if value in gojson.INT64 else float(value)
