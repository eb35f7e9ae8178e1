"""All resources that are served now: looked up by path, by kind, by group."""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshctl.sandbox.apiserver.resources.groups import BUILTIN
from meshctl.sandbox.apiserver.resources.resource import Resource

_STAGE = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


def precedence(version: str) -> tuple[int, int, int, str]:
    """Sort key of versions: v2 before v1 before v1beta1 before v1alpha1, then other names by alphabet."""
    match = _STAGE.fullmatch(version)
    if not match:
        return (3, 0, 0, version)
    major, stage, minor = match.groups()
    return ({None: 0, "beta": 1, "alpha": 2}[stage], -int(major), -int(minor or 0), "")


class Catalog:
    """The built-in resources and, replaced as a whole whenever they change, the custom ones."""

    def __init__(self) -> None:
        self._builtin = BUILTIN
        self.define(())

    def define(self, custom: Iterable[Resource]) -> None:
        """Serve these custom resources and no other."""
        by_precedence = sorted(custom, key=lambda one: (one.group, precedence(one.version), one.plural))
        self.resources: tuple[Resource, ...] = (*self._builtin, *by_precedence)
        self._by_path = {(one.group, one.version, one.plural): one for one in self.resources}
        self._by_kind = {(one.group, one.version, one.kind): one for one in self.resources}
        self._versions: dict[str, list[str]] = {}
        for one in self.resources:
            versions = self._versions.setdefault(one.group, [])
            if one.version not in versions:
                versions.append(one.version)
        self.generation = getattr(self, "generation", 0) + 1

    @property
    def groups(self) -> tuple[str, ...]:
        """Named groups in the order of discovery."""
        return tuple(group for group in self._versions if group)

    def versions(self, group: str) -> tuple[str, ...]:
        """The group's versions, the preferred one first; empty if there is no such group."""
        return tuple(self._versions.get(group, ()))

    def is_builtin(self, group: str) -> bool:
        """Whether the group is Kubernetes' own; `` is the core group."""
        return any(one.group == group for one in self._builtin)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource at a path."""
        return self._by_path.get((group, version, plural))

    def kind(self, group: str, version: str, kind: str) -> Resource | None:
        """The resource whose objects have that kind."""
        return self._by_kind.get((group, version, kind))

    def preferred(self, group: str, plural: str) -> Resource | None:
        """The resource in its group's preferred version that has it."""
        found = (self.find(group, version, plural) for version in self.versions(group))
        return next(filter(None, found), None)

    def within(self, group: str, version: str) -> tuple[Resource, ...]:
        """The resources of one group version, as discovery lists them."""
        return tuple(one for one in self.resources if (one.group, one.version) == (group, version))

    def storages(self) -> dict[str, Resource]:
        """One resource for each storage."""
        return {one.storage: one for one in reversed(self.resources) if one.storage}
