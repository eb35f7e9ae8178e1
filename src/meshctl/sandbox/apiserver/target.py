"""What a request asks for, read from its method and path: k8s.io/apiserver/pkg/endpoints/request, RequestInfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meshctl.sandbox.apiserver.failure import qualified

ITEM_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "POST": "create",
}
LIST_VERBS = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection", "PUT": "update"}
NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """A request's verb and object. A path outside of /api and /apis has only `verb` (the method) and `path`.

    `found` is false for a path below a group version that can lead to nothing.
    """

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    found: bool = True

    @property
    def is_resource(self) -> bool:
        """Whether it names a resource."""
        return bool(self.resource)

    @property
    def whole_resource(self) -> str:
        """`pods` or `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def qualified(self) -> str:
        """`deployments.apps`."""
        return qualified(self.group, self.resource)

    @property
    def described(self) -> str:
        """The resource in the words of a refusal."""
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f'resource "{self.whole_resource}" in API group "{self.group}" {where}'


def parse(method: str, path: str, query: Mapping[str, str]) -> Target:
    """The target of a request; `path` is decoded."""
    parts = path.strip("/").split("/")
    prefix = {"api": 2, "apis": 3}.get(parts[0], 0)
    if not prefix or len(parts) <= prefix:
        return Target(method.lower(), path)
    group, version = ("", parts[1]) if prefix == 2 else (parts[1], parts[2])
    rest = parts[prefix:]
    watched = rest[0] == "watch" and len(rest) > 1
    if watched:
        rest = rest[1:]
    namespace, resource, name, subresource, found = _split(rest)
    verb = _verb(method, name)
    if watched or (verb == "list" and is_true(query, "watch")):
        verb = "watch"
    return Target(verb, path, group, version, resource, subresource, namespace, name, found and "" not in parts)


def _verb(method: str, name: str) -> str:
    return (ITEM_VERBS if name else LIST_VERBS).get(method, "patch" if method == "PATCH" else "")


def _split(parts: list[str]) -> tuple[str, str, str, str, bool]:
    """Namespace, resource, name, subresource, and whether nothing is left over."""
    if parts[0] != "namespaces":
        resource, name, subresource = (*parts, "", "")[:3]
        return "", resource, name, subresource, len(parts) <= 3 or subresource == "proxy"
    if len(parts) <= 2 or (len(parts) == 3 and parts[2] in NAMESPACE_SUBRESOURCES):
        name, subresource = (*parts[1:], "", "")[:2]
        return name, "namespaces", name, subresource, True
    resource, name, subresource = (*parts[2:], "", "")[:3]
    return parts[1], resource, name, subresource, len(parts) <= 5 or subresource == "proxy"


def is_true(query: Mapping[str, str], name: str) -> bool:
    """A boolean query parameter as Kubernetes reads it: anything but `false`, `0` and absence is true."""
    return query.get(name, "false").lower() not in ("false", "0")
