"""OpenAPI v2 definitions of the built-in types, from `definitions.json.gz` (written by `tools/kubernetes`)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

Node = Mapping[str, Any]
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
OBJECT_META = f"{META}.ObjectMeta"
TIME = (f"{META}.Time", f"{META}.MicroTime")
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
REF = "#/definitions/"
GVK = "x-kubernetes-group-version-kind"


@cache
def definitions() -> Mapping[str, Node]:
    """Every definition by its name, such as `io.k8s.api.core.v1.Pod`."""
    packed = files(__package__).joinpath("definitions.json.gz").read_bytes()
    return MappingProxyType(json.loads(gzip.decompress(packed)))


@cache
def kinds() -> Mapping[tuple[str, str, str], str]:
    """The definition's name of each (group, version, kind)."""
    found = {
        (gvk["group"], gvk["version"], gvk["kind"]): name
        for name, node in definitions().items()
        for gvk in node.get(GVK, ())
    }
    return MappingProxyType(found)


def referenced(node: Node) -> str | None:
    """The name of the definition that a node refers to."""
    reference = node.get("$ref")
    return str(reference).removeprefix(REF) if reference else None


def resolved(node: Node) -> Node:
    """A node, or the definition that it refers to."""
    name = referenced(node)
    return definitions()[name] if name else node
