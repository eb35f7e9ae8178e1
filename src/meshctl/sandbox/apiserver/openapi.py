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
from meshctl.sandbox.apiserver.public import VERSION
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
        return self.get(name, lambda: dump(self._v3(group, version)))

    def _v3(self, group: str, version: str) -> dict[str, Any]:
        document = openapi.v3(group, version, self.catalog.resources)
        if all(one.custom for one in self.catalog.within(group, version)):
            document["paths"].pop(f"/apis/{group}/{version}/", None)
        return document

    def listing(self, path: str) -> tuple[bytes, str]:
        """The v3 document of a path that only lists what is below it."""
        return self.get(f"v3 {path}", lambda: dump(_listing(path)))


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
    hashes = {"api/v1": documents.v3("", "v1")[1]}
    for group in catalog.groups:
        hashes |= {f"apis/{group}/{version}": documents.v3(group, version)[1] for version in catalog.versions(group)}
    hashes |= {path: documents.listing(path)[1] for path in _listings(catalog)}
    paths = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={tag}"} for path, tag in sorted(hashes.items())}
    return reply.raw(dump({"paths": paths}), PLAIN, chunked=False)


def _listings(catalog: Catalog) -> list[str]:
    return [*LISTED, *(f"apis/{group}" for group in catalog.groups)]


def _listing(path: str) -> dict[str, Any]:
    get = {"description": "get available API versions", "responses": {"200": {"description": "OK"}}}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": {f"/{path}/": {"get": get}}}


def _v3(documents: Documents, request: web.BaseRequest, rest: list[str]) -> web.Response:
    found = _found(documents, rest)
    if found is None:
        return web.Response(status=404, headers={"Cache-Control": reply.NO_CACHE})
    packed, tag = found
    given = request.rel_url.query.get("hash", "")
    headers = {"Vary": "Accept", "Cache-Control": reply.NO_CACHE, "ETag": f'"{tag}"'}
    if given and given != tag:
        headers |= {"Location": f"/openapi/v3/{'/'.join(rest)}?hash={tag}", "Content-Type": JSON}
        return web.Response(status=301, headers=headers)
    if request.headers.get("If-None-Match") == f'"{tag}"':
        return web.Response(status=304, headers=headers)
    return reply.raw(gzip.decompress(packed), JSON, headers=headers, chunked=False)


def _found(documents: Documents, rest: list[str]) -> tuple[bytes, str] | None:
    path, catalog = "/".join(rest), documents.catalog
    if path in _listings(catalog):
        return documents.listing(path)
    group, version = (rest[1] if len(rest) == 3 else ""), rest[-1]
    expected = f"apis/{group}/{version}" if group else f"api/{version}"
    return documents.v3(group, version) if version in catalog.versions(group) and path == expected else None
