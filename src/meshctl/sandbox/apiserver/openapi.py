"""/openapi/v2 and /openapi/v3: k8s.io/kube-openapi, handler and handler3."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import negotiation, reply
from meshctl.sandbox.apiserver.failure import PlainNotFound, method_not_allowed
from meshctl.sandbox.apiserver.negotiation import JSON
from meshctl.sandbox.apiserver.resources.catalog import Catalog
from meshctl.sandbox.apiserver.storage.revision import dump
from meshctl.sandbox.apiserver.validation import openapi

PACKED = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2_TYPES = {
    JSON: JSON,
    "*/*": JSON,
    "application/*": JSON,
    PACKED: PACKED,
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf": PACKED,
}
PLAIN = "text/plain; charset=utf-8"
LISTED = ("api", "apis", "version")


@dataclass(slots=True)
class Documents:
    """The documents of what is served, compressed; made when first asked for, and anew when that has changed."""

    catalog: Catalog
    _generation: int = -1
    _made: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def get(self, name: str, make: Callable[[], bytes]) -> tuple[bytes, str]:
        """A document, gzip'd, and its hash."""
        if self._generation != self.catalog.generation:
            self._made.clear()
            self._generation = self.catalog.generation
        if name not in self._made:
            data = make()
            self._made[name] = gzip.compress(data, 5), hashlib.sha512(data).hexdigest().upper()
        return self._made[name]

    def v2(self) -> tuple[bytes, str]:
        """The v2 document as JSON."""
        return self.get("v2", lambda: dump(openapi.v2(self.catalog.resources)))

    def v2_packed(self) -> tuple[bytes, str]:
        """The v2 document as protobuf."""
        return self.get("v2 packed", lambda: openapi.v2_protobuf(openapi.v2(self.catalog.resources)))

    def v3(self, group: str, version: str) -> tuple[bytes, str]:
        """The v3 document of a group version."""
        name = f"v3 {group}/{version}"
        return self.get(name, lambda: dump(openapi.v3(group, version, self.catalog.resources)))


def answer(documents: Documents, request: web.BaseRequest, path: str) -> web.Response:
    """A document; PlainNotFound where there is none."""
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    if path == "/openapi/v2":
        return _v2(documents, request)
    _, version, *rest = path.strip("/").split("/")
    if version != "v3":
        raise PlainNotFound
    return _v3(documents, request, rest) if rest else _index(documents)


def _v2(documents: Documents, request: web.BaseRequest) -> web.Response:
    clauses = negotiation.clauses(request.headers.get("Accept") or "*/*")
    wanted = next((V2_TYPES[clause.media] for clause in clauses if clause.media in V2_TYPES), None)
    vary = {"Vary": "Accept-Encoding, Accept", "Cache-Control": reply.NO_CACHE}
    if wanted is None:
        return web.Response(status=406, headers=vary)
    _, tag = documents.v2()
    packed, _ = documents.v2() if wanted == JSON else documents.v2_packed()
    return _document(request, packed, wanted, tag, vary)


def _document(request: web.BaseRequest, packed: bytes, kind: str, tag: str, headers: dict[str, str]) -> web.Response:
    quoted = f'"{tag}"'
    if request.headers.get("If-None-Match") == quoted:
        return web.Response(status=304, headers={"ETag": quoted, **headers})
    compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    encoding = {"Content-Encoding": "gzip"} if compressed else {}
    body = packed if compressed else gzip.decompress(packed)
    return reply.raw(body, kind, headers={"ETag": quoted, **headers, **encoding})


def _index(documents: Documents) -> web.Response:
    catalog = documents.catalog
    named = [
        (f"apis/{group}/{version}", group, version) for group in catalog.groups for version in catalog.versions(group)
    ]
    paths: dict[str, Any] = {}
    for path, group, version in [("api/v1", "", "v1"), *named]:
        _, tag = documents.v3(group, version)
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={tag}"}
    return reply.raw(dump({"paths": paths}), PLAIN)


def _v3(documents: Documents, request: web.BaseRequest, rest: list[str]) -> web.Response:
    group, version = _group_version(documents.catalog, rest)
    if not version:
        return web.Response(status=404, headers={"Cache-Control": reply.NO_CACHE})
    packed, tag = documents.v3(group, version)
    given = request.rel_url.query.get("hash", "")
    headers = {"Vary": "Accept", "Cache-Control": reply.NO_CACHE}
    if given and given != tag:
        location = f"/openapi/v3/{'/'.join(rest)}?hash={tag}"
        return web.Response(
            status=301, headers={"Location": location, "ETag": f'"{tag}"', "Content-Type": JSON, **headers}
        )
    return _document(request, packed, JSON, tag, headers)


def _group_version(catalog: Catalog, rest: list[str]) -> tuple[str, str]:
    group, version = ("", rest[1]) if len(rest) == 2 and rest[0] == "api" else ("", "")
    if len(rest) == 3 and rest[0] == "apis":
        group, version = rest[1], rest[2]
    return (group, version) if version in catalog.versions(group) else ("", "")
