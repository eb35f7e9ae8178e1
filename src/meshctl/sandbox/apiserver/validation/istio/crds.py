"""The CustomResourceDefinitions of Istio's kinds."""

from __future__ import annotations

from functools import cache
from typing import Any

from meshctl.sandbox.apiserver.validation.istio.notation import WRAPPERS, Api, Field, Kind, Message, istio_api

_NUMERIC: dict[str, dict[str, Any]] = {
    "int32": {"type": "integer", "format": "int32"},
    "uint32": {"type": "integer", "minimum": 0, "maximum": 4294967295},
    "uint64": {"type": "integer", "minimum": 0},
    "double": {"type": "number", "format": "double"},
}
_PLAIN: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "Period": {"type": "string"},
    "Timestamp": {"type": "string", "format": "date-time"},
    "Struct": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "IntOrString": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
    **_NUMERIC,
}
_LIMIT_NAMES = {"min": "minimum", "max": "maximum"}
_CHART = {"app": "istio-pilot", "chart": "istio", "heritage": "Tiller", "release": "istio"}


@cache
def istio_crds() -> tuple[dict[str, Any], ...]:
    """The CRD of every kind, by name; apiextensions.k8s.io/v1, as Istio 1.31's base chart installs them."""
    api = istio_api()
    return tuple(sorted((_crd(api, kind) for kind in api.kinds.values()), key=_name))


def _name(crd: dict[str, Any]) -> str:
    return str(crd["metadata"]["name"])


def _crd(api: Api, kind: Kind) -> dict[str, Any]:
    area = kind.group.partition(".")[0]
    names: dict[str, Any] = {
        "categories": ["istio-io", f"{area}-istio-io"],
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
    }
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    labels = _CHART | ({"istio": area} if area in ("security", "telemetry") else {})
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{kind.group}",
            "labels": labels,
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced",
            "versions": [_version(api, kind, version) for version in kind.versions],
        },
    }


def _version(api: Api, kind: Kind, version: str) -> dict[str, Any]:
    status = _object(api, api.messages["IstioStatus"]) | {"x-kubernetes-preserve-unknown-fields": True}
    spec = {"description": kind.about} | _object(api, api.messages[kind.name])
    schema: dict[str, Any] = {"type": "object", "properties": {"spec": spec, "status": status}}
    if kind.spec_required:
        schema["required"] = ["spec"]
    described = {
        "name": version,
        "served": True,
        "storage": version == kind.storage,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    if kind.columns:
        described["additionalPrinterColumns"] = [
            {"name": c.name, "type": c.type, "jsonPath": c.path, "description": c.description} for c in kind.columns
        ]
    return described


def _object(api: Api, message: Message) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for each in message.fields.values():
        properties[each.name] = _property(api, each)
        if alias := each.limits.get("alias"):
            properties[alias] = properties[each.name]
    schema: dict[str, Any] = {"type": "object", "properties": dict(sorted(properties.items()))}
    if required := [each.name for each in message.fields.values() if each.required]:
        schema["required"] = required
    return schema | _alternatives(message) | _rules(api, message.checks)


def _alternatives(message: Message) -> dict[str, Any]:
    groups = [_one_of(names) for names in message.oneofs]
    return groups[0] if len(groups) == 1 else {"allOf": groups} if groups else {}


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    each = [{"required": [name]} for name in names]
    return {"oneOf": [{"not": {"anyOf": each}}, *each]}


def _rules(api: Api, names: tuple[str, ...]) -> dict[str, Any]:
    rules = [{"rule": api.rules[name].expression, "message": api.rules[name].message} for name in names]
    return {"x-kubernetes-validations": rules} if rules else {}


def _property(api: Api, each: Field) -> dict[str, Any]:
    described = {"description": _about(api, each)} if each.description else {}
    if each.shape == "one":
        return described | _value(api, each.type) | _limits(each.limits, "") | _rules(api, each.rules)
    item = _value(api, each.type) | _limits(each.limits, "each.") | _rules(api, each.item_rules)
    shape = (
        {"type": "array", "items": item} if each.shape == "list" else {"type": "object", "additionalProperties": item}
    )
    return described | shape | _limits(each.limits, "") | _keys(each) | _rules(api, each.rules)


def _about(api: Api, each: Field) -> str:
    if each.type not in api.enums:
        return each.description
    options = ", ".join(value for value in api.enums[each.type].values if not value.startswith("UNSPECIFIED"))
    return f"{each.description}\n\nValid Options: {options}"


def _keys(each: Field) -> dict[str, Any]:
    keys = each.limits.get("keys")
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [keys]} if keys else {}


def _value(api: Api, name: str) -> dict[str, Any]:
    if name in _PLAIN:
        return dict(_PLAIN[name])
    if name == "Duration":
        return {"type": "string"} | _rules(api, ("positive",))
    if name in WRAPPERS:
        return _PLAIN[WRAPPERS[name]] | {"nullable": True}
    if name in api.enums:
        return {"type": "string", "enum": list(api.enums[name].values)}
    return _object(api, api.messages[name])


def _limits(limits: dict[str, str], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in limits.items():
        name = key.removeprefix(prefix)
        if "." in name or name in ("alias", "keys", "key") or (prefix and not key.startswith(prefix)):
            continue
        found[_LIMIT_NAMES.get(name, name)] = value if name == "pattern" else int(value)
    return found
