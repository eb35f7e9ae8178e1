"""Writes `kubernetes/definitions.json.gz` of the API server: OpenAPI v2 definitions of the built-in types.

    python tools/kubernetes/schemas.py MODELS RELEASED

MODELS: the folder client/models of the `kubernetes` package 37 (Apache-2.0), for types and descriptions; RELEASED: that
of version 36, to which fields and types are held. The rest is in `facts.py`.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import facts

TARGET = "src/meshctl/sandbox/apiserver/validation/kubernetes/definitions.json.gz"
CLASS_NAME = re.compile(r"(?P<area>(?:[A-Z][a-z]+)?)(?P<version>V\d(?:alpha\d|beta\d)?)(?P<name>[A-Z]\w+)")
SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "float": {"type": "number", "format": "double"},
    "object": {"type": "object"},
}


@dataclass(frozen=True)
class Model:
    """A class of the client: its fields' types by JSON name, which of them are required, descriptions."""

    name: str
    description: str
    types: dict[str, str]
    required: tuple[str, ...]
    descriptions: dict[str, str]


def models(folder: Path) -> dict[str, Model]:
    found = {}
    for file in sorted(folder.glob("v*.py")) + sorted(folder.glob("[a-u]*_v[0-9]*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                model = _model(node)
                found[model.name] = model
    return found


def _model(node: ast.ClassDef) -> Model:
    tables = dict(_tables(node))
    names = tables["attribute_map"]
    fields = {each.target.id: each for each in node.body if isinstance(each, ast.AnnAssign)}
    required = [
        names[name] for name in names if name in fields and "Optional" not in ast.unparse(fields[name].annotation)
    ]
    texts = {names[name]: _text(fields[name]) for name in names if name in fields}
    properties = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    texts |= {names[name]: _documented(properties[name]) for name in names if name not in fields and name in properties}
    about = (ast.get_docstring(node) or "").partition("\n\nAttributes:")[0]
    return Model(
        node.name,
        "" if about.startswith("NOTE") else _restored(about),
        {names[name]: kind for name, kind in tables["openapi_types"].items()},
        tuple(sorted(required)),
        texts,
    )


def _tables(node: ast.ClassDef) -> Iterator[tuple[str, dict[str, str]]]:
    for each in node.body:
        target = (
            each.target
            if isinstance(each, ast.AnnAssign)
            else each.targets[0]
            if isinstance(each, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name) and target.id in ("openapi_types", "attribute_map"):
            yield target.id, ast.literal_eval(each.value)


def _text(node: ast.AnnAssign) -> str:
    words = {word.arg: word.value for word in node.value.keywords} if isinstance(node.value, ast.Call) else {}
    return _restored(ast.literal_eval(words["description"])) if "description" in words else ""


def _documented(function: ast.FunctionDef) -> str:
    """The second paragraph of a property's docstring, in which version 36 describes the field."""
    paragraphs = (ast.get_docstring(function) or "").split("\n\n")
    return _restored(paragraphs[1].replace("# noqa: E501", "")) if len(paragraphs) > 2 else ""


def _restored(text: str) -> str:
    """The client's generator makes blanks of line ends; those before list items can be told."""
    return re.sub(r" {2,3}\* ", lambda found: "\n  * " if len(found.group()) == 5 else "\n\n* ", text.strip())


def short(class_name: str) -> str:
    found = CLASS_NAME.fullmatch(class_name)
    return found["name"] if found else class_name


def places(known: dict[str, Model]) -> dict[str, str]:
    """The definition's name of each class: its kind's group, or the first group that uses it."""
    placed = {f"V1{name}": f"{facts.META}.{name}" for name in facts.META_CLASSES if f"V1{name}" in known}
    placed |= {f"V1{name}": f"io.k8s.api.core.v1.{name}" for name in facts.CORE_CLASSES}
    for (package, group, version), kinds in facts.GROUPS.items():
        for kind in kinds.split():
            for name in (kind, f"{kind}List"):
                for root in _classes(known, group, version, name):
                    _place(known, placed, root, package)
    return placed


def _classes(known: dict[str, Model], group: str, version: str, kind: str) -> list[str]:
    area = (group.partition(".")[0] or "core").capitalize()
    stem = version.capitalize()
    return [name for name in (f"{area}{stem}{kind}", f"{stem}{kind}") if name in known][:1]


def _place(known: dict[str, Model], placed: dict[str, str], name: str, package: str) -> None:
    if name in placed:
        return
    placed[name] = f"{package}.{short(name)}"
    for kind in known[name].types.values():
        inner = re.sub(r"(?:List\[|Dict\[str, )*(\w+)\]*", r"\1", kind)
        if inner in known:
            _place(known, placed, inner, package)


def definitions(known: dict[str, Model], released: dict[str, Model]) -> dict[str, Any]:
    placed = places(known)
    kinds = {
        f"{package}.{kind}": (group, version)
        for (package, group, version), names in facts.GROUPS.items()
        for kind in names.split()
    }
    made: dict[str, Any] = {}
    for name, full_name in placed.items():
        if name not in released and not full_name.startswith(facts.META):
            continue
        made[full_name] = _definition(known[name], placed, released.get(name, known[name]))
        if short(name) in facts.ATOMIC_STRUCTS and full_name not in facts.PLAIN_STRUCTS:
            made[full_name]["x-kubernetes-map-type"] = "atomic"
        for suffix in ("", "List"):
            if full_name.endswith(suffix) and full_name.removesuffix(suffix) in kinds:
                group, version = kinds[full_name.removesuffix(suffix)]
                gvk = {"group": group, "kind": short(name), "version": version}
                made[full_name]["x-kubernetes-group-version-kind"] = [gvk]
    return dict(sorted((made | _special()).items()))


def _definition(model: Model, placed: dict[str, str], released: Model) -> dict[str, Any]:
    owner = short(model.name)
    node: dict[str, Any] = {"description": model.description} if model.description else {}
    node["type"] = "object"
    required = [name for name in model.required if name in released.types]
    if required:
        node["required"] = required
    properties = {
        name: _property(owner, name, kind, placed, released.descriptions.get(name, ""))
        for name, kind in model.types.items()
        if name in released.types and not _is_gone(kind, placed)
    }
    if properties:
        node["properties"] = properties
    return node


def _is_gone(kind: str, placed: dict[str, str]) -> bool:
    inner = re.sub(r"(?:List\[|Dict\[str, )*(\w+)\]*", r"\1", kind)
    return CLASS_NAME.fullmatch(inner) is not None and inner not in placed


def _property(owner: str, name: str, kind: str, placed: dict[str, str], description: str) -> dict[str, Any]:
    field = f"{owner}.{name}"
    about = description or facts.DESCRIPTIONS.get(field) or facts.DESCRIPTIONS.get(f"*.{name}", "")
    node: dict[str, Any] = {"description": about} if about else {}
    node |= _schema(field, kind, placed)
    if field in facts.ENUMS:
        node["enum"] = facts.ENUMS[field].split()
    if field in facts.STRATEGIES:
        node["x-kubernetes-patch-strategy"] = facts.STRATEGIES[field]
    return node | _list_marks().get(field, {})


def _schema(field: str, kind: str, placed: dict[str, str]) -> dict[str, Any]:
    if kind.startswith("List["):
        return {"type": "array", "items": _schema(field, kind[5:-1], placed)}
    if kind.startswith("Dict[str, "):
        return {"type": "object", "additionalProperties": _schema(field, kind[10:-1], placed)}
    if kind in placed:
        return {"$ref": f"#/definitions/{placed[kind]}"}
    any_class = f"*.{field.partition('.')[2]}"
    if field in facts.OBJECTS:
        return {"$ref": f"#/definitions/{facts.OBJECTS[field]}"}
    if field in facts.INT_OR_STRINGS:
        return {"$ref": f"#/definitions/{facts.INT_OR_STRING}"}
    if kind == "str" and {field, any_class} & facts.QUANTITIES and field not in facts.PLAIN_CAPACITIES:
        return {"$ref": f"#/definitions/{facts.QUANTITY}"}
    if kind == "datetime":
        return {"$ref": f"#/definitions/{facts.META}.{'MicroTime' if field in facts.MICRO_TIMES else 'Time'}"}
    if kind == "int":
        return {"type": "integer", "format": "int64" if {field, any_class} & facts.INT64 else "int32"}
    if field in facts.BYTES or kind == "bytes":
        return {"type": "string", "format": "byte"}
    return dict(SCALARS[kind])


def _list_marks() -> dict[str, dict[str, Any]]:
    marks: dict[str, dict[str, Any]] = {}
    for line in facts.MAP_LISTS.split("\n") + facts.MERGED_LISTS.split("\n"):
        field, _, rest = line.partition(" ")
        keys, _, patch = rest.partition(" / ")
        if not field:
            continue
        plain = keys in ("set", "atomic")
        marks[field] = {"x-kubernetes-list-type": keys if plain else "map"}
        if not plain:
            marks[field]["x-kubernetes-list-map-keys"] = keys.split(",")
        key, _, strategy = patch.partition(" ")
        if key and key != "-":
            marks[field]["x-kubernetes-patch-merge-key"] = key
        if strategy:
            marks[field]["x-kubernetes-patch-strategy"] = strategy
    return marks


def _special() -> dict[str, Any]:
    time = {"type": "string", "format": "date-time"}
    wrapper = "is a wrapper around time.Time which supports correct marshaling to YAML and JSON."
    any_value = "represents any valid JSON value."
    return {
        f"{facts.META}.Time": {"description": f"Time {wrapper}", **time},
        f"{facts.META}.MicroTime": {
            "description": "MicroTime is version of Time with microsecond level precision.",
            **time,
        },
        f"{facts.META}.FieldsV1": {
            "description": "FieldsV1 stores a set of fields in a data structure like a Trie.",
            "type": "object",
        },
        f"{facts.META}.Patch": {
            "description": "Patch is provided to give a concrete name and type to a request body.",
            "type": "object",
        },
        facts.QUANTITY: {"description": "Quantity is a fixed-point representation of a number.", "type": "string"},
        facts.INT_OR_STRING: {
            "description": "IntOrString is a type that can hold an int32 or a string.",
            "type": "string",
            "format": "int-or-string",
        },
        facts.RAW_EXTENSION: {
            "description": "RawExtension is used to hold extensions in external versions.",
            "type": "object",
        },
        f"{facts.APIEXTENSIONS}.JSON": {"description": f"JSON {any_value}"},
        f"{facts.APIEXTENSIONS}.JSONSchemaPropsOrArray": {"description": "A schema, or a list of them."},
        f"{facts.APIEXTENSIONS}.JSONSchemaPropsOrBool": {"description": "A schema, or a boolean."},
        f"{facts.APIEXTENSIONS}.JSONSchemaPropsOrStringArray": {"description": "A schema, or a list of strings."},
        f"{facts.APIEXTENSIONS}.CustomResourceSubresourceStatus": {
            "description": "How to serve the status subresource for CustomResources.",
            "type": "object",
        },
    }


def main() -> None:
    known, released = (models(Path(folder)) for folder in sys.argv[1:3])
    text = json.dumps(definitions(known, released), separators=(",", ":"))
    Path(TARGET).parent.mkdir(exist_ok=True)
    Path(TARGET).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
