"""Resources between their JSON, their protobuf form and the bytes of the responses that carry them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

LOG = logging.getLogger(__name__)
Json = Mapping[str, Any]
PREFIX = "type.googleapis.com/"
CLUSTER = f"{PREFIX}envoy.config.cluster.v3.Cluster"
ENDPOINTS = f"{PREFIX}envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = f"{PREFIX}envoy.config.listener.v3.Listener"
ROUTES = f"{PREFIX}envoy.config.route.v3.RouteConfiguration"
SECRET = f"{PREFIX}envoy.extensions.transport_sockets.tls.v3.Secret"
# The order in which traffic finds everything that it is sent to.
ORDER = (CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET)
_DISCOVERY = "envoy.service.discovery.v3"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its JSON, its version (a hash of the content) and itself as a serialised `Any`."""

    name: str
    version: str
    any: bytes
    json: Json

    @property
    def delta(self) -> bytes:
        """The serialised `Resource` of a delta response."""
        return text(1, self.version) + field(2, self.any) + text(3, self.name)


class Messages:
    """The message types of an Envoy."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool
        self.delta_request = self.type(f"{_DISCOVERY}.DeltaDiscoveryRequest")
        self.request = self.type(f"{_DISCOVERY}.DiscoveryRequest")

    def type(self, name: str) -> type[Message]:
        """The class of a message type; KeyError if the binary lacks it."""
        found: type[Message] = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))
        return found

    def resource(self, url: str, name: str, content: Json) -> Resource:
        """A resource; `json_format.ParseError` names the field that is not of its type."""
        parsed = json_format.ParseDict(content, self.type(url.removeprefix(PREFIX))(), descriptor_pool=self._pool)
        body = parsed.SerializeToString(deterministic=True)
        version = hashlib.blake2b(body, digest_size=8).hexdigest()
        return Resource(name, version, text(1, url) + field(2, body), content)


class Catalogue:
    """Resources by content: what several proxies have in common is made and held once."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._known: dict[tuple[str, str], Resource] = {}

    def take(self, url: str, found: Mapping[str, Json], before: Mapping[str, Resource]) -> dict[str, Resource]:
        """The resources of a proxy; those that equal what it had `before` stay the same objects.

        One that is not of its type, as an EnvoyFilter may make it, stays as it was before.
        """
        taken = ((name, self._taken(url, name, content, before.get(name))) for name, content in found.items())
        return {name: one for name, one in taken if one}

    def _taken(self, url: str, name: str, content: Json, before: Resource | None) -> Resource | None:
        if before and before.json == content:
            return before
        try:
            return self._one(url, name, content)
        except json_format.ParseError as fault:
            LOG.error("%s %s stays as it was: %s", url.rpartition(".")[2], name, fault)
            return before

    def keep(self, used: Iterable[Resource]) -> None:
        """Forget what no proxy has any more."""
        identities = {id(resource) for resource in used}
        self._known = {key: one for key, one in self._known.items() if id(one) in identities}

    def __len__(self) -> int:
        return len(self._known)

    def _one(self, url: str, name: str, content: Json) -> Resource:
        text = json.dumps((name, content), sort_keys=True, separators=(",", ":"))
        digest = url, hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        if digest not in self._known:
            self._known[digest] = self._messages.resource(url, name, content)
        return self._known[digest]


def delta_response(url: str, nonce: str, resources: Iterable[Resource], removed: Iterable[str]) -> bytes:
    """A serialised DeltaDiscoveryResponse."""
    bodies = (field(2, resource.delta) for resource in resources)
    return b"".join((*bodies, text(4, url), text(5, nonce), *(text(6, name) for name in removed)))


def response(url: str, nonce: str, version: str, resources: Iterable[Resource]) -> bytes:
    """A serialised DiscoveryResponse."""
    bodies = (field(2, resource.any) for resource in resources)
    return b"".join((text(1, version), *bodies, text(4, url), text(5, nonce)))


def text(number: int, value: str) -> bytes:
    """A text field on the wire."""
    return field(number, value.encode())


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field on the wire; numbers below 16."""
    return bytes(((number << 3) | 2, *_varint(len(value)))) + value


def _varint(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield (value & 0x7F) | 0x80
        value >>= 7
    yield value
