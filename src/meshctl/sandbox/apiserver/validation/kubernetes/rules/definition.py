"""Rules of CustomResourceDefinitions."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.cel.syntax import parse
from meshctl.sandbox.apiserver.validation.cel.tokens import CelSyntaxError
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import Object, immutable, wrong

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_PARTS = ("items", "additionalProperties")


def definition_causes(obj: Object) -> Iterator[Cause]:
    """A CustomResourceDefinition."""
    spec = obj.get("spec") or {}
    group, given = spec.get("group") or "", spec.get("names") or {}
    expected = f"{given.get('plural') or ''}.{group}"
    if obj.get("metadata", {}).get("name") not in (None, "", expected):
        name = obj["metadata"]["name"]
        yield invalid("metadata.name", name, f'must be spec.names.plural+"."+spec.group: "{expected}"')
    if not group:
        yield required("spec.group")
    else:
        yield from wrong("spec.group", group, names.subdomain(group))
        if "." not in group:
            yield invalid("spec.group", group, "should be a domain with at least one dot")
    if not spec.get("scope"):
        yield required("spec.scope")
    elif spec["scope"] not in ("Cluster", "Namespaced"):
        yield unsupported("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
    yield from _versions(spec.get("versions") or [])
    yield from _names(given, "spec.names")


def _versions(versions: list[Object]) -> Iterator[Cause]:
    seen: set[str] = set()
    for at, version in enumerate(versions):
        field, name = f"spec.versions[{at}]", version.get("name") or ""
        yield from wrong(f"{field}.name", name, names.old_label(name))
        if name in seen:
            yield duplicate(f"{field}.name", name)
        seen.add(name)
        yield from _schema_of(version, field)
        for column_at, column in enumerate(version.get("additionalPrinterColumns") or ()):
            yield from _column(column, f"{field}.additionalPrinterColumns[{column_at}]")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")


def _column(column: Object, field: str) -> Iterator[Cause]:
    if not column.get("name"):
        yield required(f"{field}.name")
    if column.get("type") not in _COLUMN_TYPES:
        yield invalid(f"{field}.type", column.get("type") or "", f"must be one of {','.join(_COLUMN_TYPES)}")
    if not column.get("jsonPath"):
        yield required(f"{field}.JSONPath")


def _schema_of(version: Object, field: str) -> Iterator[Cause]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    where = f"{field}.schema.openAPIV3Schema"
    if schema is None:
        yield required(where, "schemas are required")
        return
    if schema.get("type") != "object":
        if not schema.get("type"):
            yield required(f"{where}.type", "must not be empty at the root")
        else:
            yield invalid(f"{where}.type", schema["type"], "must be object at the root")
    for name, part in (schema.get("properties") or {}).items():
        if name != "metadata":
            yield from _part(part, f"{where}.properties[{name}]")
    yield from _rules(schema, where)


def _part(schema: Object, field: str) -> Iterator[Cause]:
    loose = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    kind = schema.get("type")
    if not kind and not loose:
        yield required(f"{field}.type", "must not be empty for specified object fields")
    elif kind and kind not in _TYPES:
        yield unsupported(f"{field}.type", kind, _TYPES)
    if kind == "array" and schema.get("items") is None:
        yield required(f"{field}.items", "must be specified")
    if schema.get("x-kubernetes-list-type") == "map" and not schema.get("x-kubernetes-list-map-keys"):
        text = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{field}.x-kubernetes-list-map-keys", text)
    yield from _rules(schema, field)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _part(inner, f"{field}.properties[{name}]")
    for name in _PARTS:
        if isinstance(schema.get(name), dict):
            yield from _part(schema[name], f"{field}.{name}")


def _rules(schema: Object, field: str) -> Iterator[Cause]:
    for at, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        where = f"{field}.x-kubernetes-validations[{at}]"
        expression = rule.get("rule") or ""
        if not expression.strip():
            yield required(f"{where}.rule", "rule is not specified")
            continue
        try:
            parse(expression)
        except CelSyntaxError as error:
            yield invalid(f"{where}.rule", rule, f"compilation failed: ERROR: <input>:1:1: Syntax error: {error}")


def _names(given: Object, field: str) -> Iterator[Cause]:
    for name in ("plural", "singular", "kind", "listKind"):
        value = given.get(name) or ""
        if not value:
            if name != "singular":
                yield required(f"{field}.{name}")
            continue
        text = value if name in ("plural", "singular") else value.lower()
        yield from (
            invalid(
                f"{field}.{name}",
                value,
                fault if text == value else f"may have mixed case, but should otherwise match: {fault}",
            )
            for fault in names.old_label(text)
        )
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        yield invalid(f"{field}.listKind", given["listKind"], "kind and listKind may not be the same")
    for at, name in enumerate(given.get("shortNames") or ()):
        yield from wrong(f"{field}.shortNames[{at}]", name, names.old_label(name))


def definition_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """What stays of a CustomResourceDefinition."""
    for name in ("group", "scope"):
        yield from immutable(f"spec.{name}", obj["spec"].get(name), old["spec"].get(name))
    for name in ("kind", "plural"):
        value, former = ((each["spec"].get("names") or {}).get(name) for each in (obj, old))
        yield from immutable(f"spec.names.{name}", value, former)
    stored = (old.get("status") or {}).get("storedVersions") or ()
    kept = {version.get("name") for version in obj["spec"].get("versions") or ()}
    for at, name in enumerate(stored):
        if name not in kept:
            migrated = f"ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            text = f"must remain in spec.versions until a storage migration {migrated}"
            yield invalid(f"status.storedVersions[{at}]", name, text)
