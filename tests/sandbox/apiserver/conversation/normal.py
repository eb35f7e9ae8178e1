"""Answers without what differs from run to run: uids, times, versions, ages, generated names, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
WORDS = ("https", "http2", "grpcs")
UID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
DAY = r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # kubectl says this when its own timeout ends a watch, or doesn't: it is a race inside the client.
        (r"(?m)^I\d{4} .*very short watch: .*\n", ""),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "<jwt>"),
        (UID, "<uid>"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4} \w+)?", "<time>"),
        (DAY, "<time>"),
        (r"(?m)^([EWIF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (\S+?):\d+\]", r"\1<klog> \2]"),
        (r"(resourceVersion\\?\"?: ?\\?\"?)\d+", r"\1<rv>"),
        (r"(resource version: )\d+( \(\d+\))?", r"\1<rv>"),
        (r"(Resource Version: +)\d+", r"\1<rv>"),
        (r"(resourceVersion=)\d{2,}", r"\1<rv>"),
        (r"(current: |requested: )\d+", r"\1<rv>"),
        (r"(?<=[:/ \">])10\.\d+\.\d+\.\d+\b|^10\.\d+\.\d+\.\d+\b", "<ip>"),
        (r"\b3[0-2]\d{3}\b(?=/|$|\b)", "<nodePort>"),
        (r"pod-template-hash([\"']?[=:] ?[\"']?)[a-z0-9]+", r"pod-template-hash\1<hash>"),
        (r"\.1[0-9a-f]{15}\b", ".<event>"),
        (r"X509SHA256=[0-9a-f]{64}", "X509SHA256=<hash>"),
        (r"(match the ResourceVersion in record \()\d+", r"\1<rv>"),
        (r"(RBAC: allowed by \w+) .*", r"\1 <which of several is not fixed>"),
        (r"(LIVE|MERGED)-\d+", r"\1-<n>"),
        (r"kubectl-edit-\w+\.yaml", "kubectl-edit-<n>.yaml"),
        (r"127\.0\.0\.1:\d+(->[\d.:]+)?", "<addr>"),
        (r"-\d{1,2}(?=s$)", "-<n>"),
        (r"\?hash=[0-9A-F]{64,}", "?hash=<hash>"),
    )
)
AGE = re.compile(r"(?<![\w.-])(\d+[dhms]){1,2}(?![\w.-])|<invalid>")
HASHED = re.compile(rf"-({LETTERS}{{7,10}})(?=-{LETTERS}{{5}}\b|\b)")
GENERATED = re.compile(rf"-({LETTERS}{{5}})(?![\w-])")
VOLATILE = {
    "resourceVersion": "<rv>",
    "uid": "<uid>",
    "continue": "<continue>",
    "nodePort": "<nodePort>",
    "healthCheckNodePort": "<nodePort>",
    "pod-template-hash": "<hash>",
    "token": "<jwt>",
    "serverAddress": "<addr>",
    "ETag": "<etag>",
    "hash": "<hash>",
}
UNORDERED = re.compile(r"auth can-i --list|describe (cm|configmap)|get (istio-io|trains|all) |label .*--list")


def text(value: str, ages: bool = True) -> str:
    """One text."""
    for pattern, replacement in RULES:
        value = pattern.sub(replacement, value)
    value = HASHED.sub(lambda match: "-<hash>" if re.search(r"\d", match[1]) else match[0], value)
    value = GENERATED.sub(lambda match: match[0] if match[1] in WORDS else "-<gen>", value)
    value = AGE.sub("<age>", value) if ages else value
    return "\n".join(_squeezed(line) for line in value.split("\n"))


def _squeezed(line: str) -> str:
    indentation = line[: len(line) - len(line.lstrip(" "))]
    return indentation + re.sub(r" {2,}", "  ", line.strip())


def normal(value: Any, key: str = "", ages: bool = False) -> Any:
    """A record, or a part of one."""
    if isinstance(value, dict):
        return {_key(name): _entry(value, name, inner, ages) for name, inner in value.items()}
    if isinstance(value, list):
        return [normal(one, key, ages) for one in value]
    if not isinstance(value, str) or key in ("kubectl", "http", "python"):
        return value
    printed = _managed_in_order(value) if key == "stdout" else value
    document = re.match(r"\s*[{]|apiVersion:", printed)
    return text(printed, ages or (key in ("stdout", "stderr", "printed") and not document))


def _key(name: str) -> str:
    return text(name) if name.startswith(("k:", "{")) else name


def _entry(record: dict[str, Any], name: str, value: Any, ages: bool) -> Any:
    if name == "stdout" and "jsonpath={.metadata.resourceVersion}" in str(record.get("kubectl")):
        return "<rv>"
    if name in VOLATILE and isinstance(value, str | int) and value not in ("", "0", 0):
        return VOLATILE[name]
    return normal(_sorted(record, name, value), name, ages or name == "cells")


def _sorted(record: dict[str, Any], name: str, value: Any) -> Any:
    """Put in order what comes in any order from the original, too."""
    if name in ("resourceRules", "nonResourceRules", "causes", "managedFields") and isinstance(value, list):
        return sorted(value, key=lambda one: re.sub(r"\d{4}-\S+Z", "", json.dumps(one, sort_keys=True)))
    if name == "stdout" and UNORDERED.match(str(record.get("kubectl"))):
        return "\n".join(sorted(value.splitlines()))
    if name == "stderr" and "\n* " in value:
        return re.sub(r"(?m)(^\* .*\n?)+", _sorted_lines, value)
    if name == "message" and len((record.get("details") or {}).get("causes") or ()) > 1:
        return re.sub(r" is invalid: \[.*\]$", " is invalid: [<causes>]", value, flags=re.S)
    return value


def _sorted_lines(match: re.Match[str]) -> str:
    return "".join(sorted(f"{line}\n" for line in match[0].splitlines()))


def _managed_in_order(printed: str) -> str:
    """managedFields are printed in order of their times, which have seconds: order them by their text."""
    return re.sub(r"(?m)^( *)managedFields:\n((?:\1(?:- |  ).*\n)+)", _blocks_in_order, printed)


def _blocks_in_order(match: re.Match[str]) -> str:
    blocks: list[str] = []
    for line in match[2].splitlines(keepends=True):
        if line.startswith(f"{match[1]}- ") or not blocks:
            blocks.append(line)
        else:
            blocks[-1] += line
    order: Callable[[str], str] = lambda block: re.sub(r'"\d{4}-[^"]*"', "", block)  # noqa: E731
    return f"{match[1]}managedFields:\n" + "".join(sorted(blocks, key=order))
