"""One served kind: names, verbs, subresources and where its objects are stored."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.apiserver.failure import qualified
from meshctl.sandbox.apiserver.selectors.fields import METADATA, Field

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CHANGES = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object; group and version are those of its kind where they differ from the resource's."""

    name: str
    kind: str
    verbs: tuple[str, ...] = CHANGES
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind in one version. `storage` is empty for what is answered and never stored."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    subresources: tuple[Subresource, ...] = ()
    fields: tuple[Field, ...] = METADATA
    singular: str = ""
    list_kind: str = ""
    storage: str = ""
    storage_version: str = ""
    definition: Mapping[str, Any] | None = field(default=None, compare=False, hash=False)
    """The version's entry in a CustomResourceDefinition, for custom kinds."""
    crd: Mapping[str, Any] | None = field(default=None, compare=False, hash=False)
    """The whole CustomResourceDefinition."""

    @property
    def group_version(self) -> str:
        """`apps/v1`, or `v1` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`deployments.apps`, or `pods` in the core group."""
        return qualified(self.group, self.plural)

    @property
    def custom(self) -> bool:
        """Whether a CustomResourceDefinition defines it."""
        return self.definition is not None

    @property
    def storage_hash(self) -> str:
        """`storageVersionHash` of discovery: k8s.io/apiserver/pkg/endpoints/discovery, StorageVersionHash."""
        text = f"{self.group}/{self.storage_version or self.version}/{self.kind}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()

    def subresource(self, name: str) -> Subresource | None:
        """The subresource of that name, if there is one."""
        return next((sub for sub in self.subresources if sub.name == name), None)

    def key(self, namespace: str, name: str) -> str:
        """The store's key of an object."""
        return f"{namespace}/{name}" if self.namespaced else name
