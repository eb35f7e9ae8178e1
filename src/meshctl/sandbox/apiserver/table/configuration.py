"""Rows of configuration, rights and admission."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.table.values import Object, age, name, spec, status


def named(obj: Object) -> list[Any]:
    """Name, age."""
    return [name(obj), age(obj)]


def config_map(obj: Object) -> list[Any]:
    """Name, number of entries, age."""
    return [name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age(obj)]


def secret(obj: Object) -> list[Any]:
    """Name, type, number of entries, age."""
    return [name(obj), obj.get("type", ""), len(obj.get("data") or ()), age(obj)]


def resource_quota(obj: Object) -> list[Any]:
    """Name, requests, limits, age."""
    hard, used = status(obj).get("hard") or {}, status(obj).get("used") or {}
    texts = {key: f"{key}: {used.get(key, '0')}/{value}" for key, value in sorted(hard.items())}
    limits = [text for key, text in texts.items() if key.startswith("limits.")]
    requests = [text for key, text in texts.items() if not key.startswith("limits.")]
    return [name(obj), ", ".join(requests), ", ".join(limits), age(obj)]


def role_binding(obj: Object) -> list[Any]:
    """Name, role, age, users, groups, service accounts."""
    reference, subjects = obj["roleRef"], obj.get("subjects") or ()
    people = [joined_names(subjects, kind) for kind in ("User", "Group")]
    accounts = ", ".join(
        f"{one.get('namespace', '')}/{one['name']}" for one in subjects if one["kind"] == "ServiceAccount"
    )
    return [name(obj), f"{reference['kind']}/{reference['name']}", age(obj), *people, accounts]


def joined_names(subjects: Any, kind: str) -> str:
    """Names of the subjects of one kind."""
    return ", ".join(one["name"] for one in subjects if one["kind"] == kind)


def webhooks(obj: Object) -> list[Any]:
    """Name, number of webhooks, age."""
    return [name(obj), len(obj.get("webhooks") or ()), age(obj)]


def admission_policy(obj: Object) -> list[Any]:
    """Name, number of rules, kind of parameters, age."""
    kind = spec(obj).get("paramKind")
    text = f"{kind['apiVersion']}/{kind['kind']}" if kind else "<unset>"
    return [name(obj), len(spec(obj).get("validations") or ()), text, age(obj)]


def admission_binding(obj: Object) -> list[Any]:
    """Name, policy, parameters, age."""
    reference = spec(obj).get("paramRef")
    parts = [reference.get("namespace") or "*", reference.get("name", "")] if reference else []
    return [name(obj), spec(obj).get("policyName", ""), "/".join(parts) or "<unset>", age(obj)]
