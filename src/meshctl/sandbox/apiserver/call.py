"""One request on its way: what it asks for, who asks, and what the answer must say besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import negotiation
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.auth.user import User
from meshctl.sandbox.apiserver.failure import Failure, bad_request, not_found, qualified
from meshctl.sandbox.apiserver.negotiation import JSON, PROTOBUF, YAML, Media
from meshctl.sandbox.apiserver.resources.resource import Resource, Subresource
from meshctl.sandbox.apiserver.storage.revision import Stored
from meshctl.sandbox.apiserver.target import Target

Object = dict[str, Any]

DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
}


@dataclass(slots=True)
class Call:
    """A request for a resource; `warnings` become Warning headers of whatever is answered."""

    api: Api
    request: web.BaseRequest
    target: Target
    user: User
    resource: Resource
    subresource: Subresource | None
    query: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """The namespace of the object asked for; empty at the cluster scope."""
        return self.target.namespace if self.resource.namespaced else ""

    @property
    def key(self) -> str:
        """The store's key of the object asked for."""
        return self.resource.key(self.target.namespace, self.target.name)

    @property
    def accept(self) -> str | None:
        """The Accept header."""
        return self.request.headers.get("Accept")

    @property
    def agent(self) -> str:
        """The User-Agent header."""
        return self.request.headers.get("User-Agent", "")

    @property
    def offered(self) -> tuple[str, ...]:
        """Media types of answers: custom resources have no protobuf form."""
        return (JSON, YAML) if self.resource.custom else negotiation.OFFERED

    def media(self, stream: bool = False, many: bool = False) -> Media:
        """The representation that the client wants; Failure 406.

        Many objects go as JSON if the client takes that at all: they are stored as JSON, and need no encoding.
        """
        agreed = negotiation.negotiate(self.accept, self.offered, stream)
        if many and agreed.type == PROTOBUF and negotiation.accepts(self.accept, JSON):
            agreed = replace(agreed, type=JSON)
        return negotiation.prettified(agreed, self.query.get("pretty", ""), self.agent)

    def current(self) -> Stored:
        """The stored object asked for; Failure 404."""
        stored = self.api.store.get(self.resource.storage, self.key)
        if stored is None:
            raise self.missing()
        return stored

    def missing(self) -> Failure:
        """404 for the object asked for."""
        return not_found(self.resource.group, self.resource.plural, self.target.name)

    def manager(self, given: str) -> str:
        """The field manager: as given, else the client's name."""
        name = given or self.agent.partition("/")[0]
        return "".join(one for one in name if one.isprintable())[:128]

    def check_namespace(self, obj: Object) -> None:
        """The object's namespace must be the path's, which it takes on if it has none; Failure 400."""
        metadata = obj.setdefault("metadata", {})
        given = metadata.get("namespace") or ""
        if given and given != self.namespace:
            raise bad_request(_mismatch(self.namespace))
        if self.namespace:
            metadata["namespace"] = self.namespace


def _mismatch(namespace: str) -> str:
    if not namespace:
        return "namespace may not be set on cluster-scoped objects"
    return "the namespace of the provided object does not match the namespace sent on the request"


def kind_name(resource: Resource) -> str:
    """`Deployment.apps`, as messages about invalid objects name it."""
    return qualified(resource.group, resource.kind)
