"""Policy rules: what they allow, and the union of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ANY = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """What someone wants to do with a resource (`pods` or `pods/log`), or, without one, with a path."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def subresource(self) -> str:
        """`log` of `pods/log`."""
        return self.resource.partition("/")[2]


def allows(rule: Mapping[str, Any], access: Access) -> bool:
    """Whether one PolicyRule allows an access: rbac.RulesAllow of kube-apiserver."""
    if not _listed(rule.get("verbs"), access.verb):
        return False
    if not access.resource:
        return any(_covers(url, access.path) for url in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _listed(rule.get("apiGroups"), access.group)
        and _resource_listed(rule.get("resources") or (), access)
        and (not names or access.name in names)
    )


def _listed(values: Iterable[str] | None, wanted: str) -> bool:
    return any(value in (ANY, wanted) for value in values or ())


def _resource_listed(values: Iterable[str], access: Access) -> bool:
    wildcard = f"*/{access.subresource}" if access.subresource else ""
    return any(value in (ANY, access.resource) or (wildcard and value == wildcard) for value in values)


def _covers(url: str, path: str) -> bool:
    return url in (ANY, path) or (url.endswith("*") and path.startswith(url[:-1]))
