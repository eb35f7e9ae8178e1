"""Roles and bindings as stored: who may do what, and which binding says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.auth.rules import Access, allows
from meshctl.sandbox.apiserver.auth.user import ACCOUNT_PREFIX, MASTERS, User
from meshctl.sandbox.apiserver.failure import quote
from meshctl.sandbox.apiserver.selectors import labels

GROUP = "rbac.authorization.k8s.io"
KINDS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an access is allowed, and the reason if there is one to name."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives to one of its subjects."""

    description: str
    namespace: str
    rules: tuple[Object, ...]
    missing: str = ""


class Authorizer:
    """Judges accesses; `read` lists the stored objects of a kind, `version` tells when one of them changed."""

    def __init__(self, read: Callable[[str], Sequence[Object]], version: Callable[[], int]) -> None:
        self._read = read
        self._version = version
        self._seen = -1
        self._grants: dict[str, tuple[Grant, ...]] = {}

    def judge(self, user: User, access: Access) -> Verdict:
        """Whether the user may do that."""
        if MASTERS in user.groups:
            return Verdict(True)
        missing = []
        for grant in self.grants(user, access.namespace):
            if any(allows(rule, access) for rule in grant.rules):
                return Verdict(True, f"RBAC: allowed by {grant.description}")
            if grant.missing and grant.missing not in missing:
                missing.append(grant.missing)
        return Verdict(False, f"RBAC: {_joined(missing)}" if missing else "")

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """What the user has been given that counts in a namespace (empty: at the cluster scope)."""
        if self._seen != (version := self._version()):
            self._grants, self._seen = self._compile(), version
        for subject in (f"User {user.name}", *(f"Group {group}" for group in user.groups)):
            for grant in self._grants.get(subject, ()):
                if grant.namespace in ("", namespace):
                    yield grant

    def _compile(self) -> dict[str, tuple[Grant, ...]]:
        roles = {_place(role): role for kind in ("roles", "clusterroles") for role in self._read(kind)}
        found: dict[str, list[Grant]] = {}
        for kind in ("clusterrolebindings", "rolebindings"):
            for binding in self._read(kind):
                for subject in binding.get("subjects") or ():
                    holder, grant = _grant(binding, subject, roles)
                    found.setdefault(holder, []).append(grant)
        return {holder: tuple(grants) for holder, grants in found.items()}


Roles = Mapping[tuple[str, str], Object]


def _place(role: Object) -> tuple[str, str]:
    return role["metadata"].get("namespace", ""), role["metadata"]["name"]


def _grant(binding: Object, subject: Object, roles: Roles) -> tuple[str, Grant]:
    metadata, reference = binding["metadata"], binding["roleRef"]
    namespace = metadata.get("namespace", "")
    place = (namespace if reference["kind"] == "Role" else "", reference["name"])
    role = roles.get(place)
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    name = f"{metadata['name']}/{namespace}" if namespace else metadata["name"]
    target = f"{reference['kind']} {quote(reference['name'])}"
    description = f"{kind} {quote(name)} of {target} to {_described(subject, namespace)}"
    missing = "" if role else f"{reference['kind'].lower()}.{GROUP} {quote(reference['name'])} not found"
    return _holder(subject, namespace), Grant(description, namespace, rules(role, roles) if role else (), missing)


def rules(role: Object, roles: Roles, within: frozenset[str] = frozenset()) -> tuple[Object, ...]:
    """A role's rules, those it aggregates included; `within` are the roles that aggregate it."""
    own, around = tuple(role.get("rules") or ()), within | {role["metadata"]["name"]}
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        chosen = labels.of(selector)
        for (namespace, name), other in roles.items():
            if not namespace and name not in around and chosen.matches(other["metadata"].get("labels")):
                own += tuple(rule for rule in rules(other, roles, around) if rule not in own)
    return own


def _holder(subject: Object, namespace: str) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"User {ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{subject['name']}"
    return f"{subject['kind']} {subject['name']}"


def _described(subject: Object, namespace: str) -> str:
    if subject["kind"] == "ServiceAccount":
        return f"ServiceAccount {quote(subject['name'] + '/' + (subject.get('namespace') or namespace))}"
    return f"{subject['kind']} {quote(subject['name'])}"


def _joined(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
