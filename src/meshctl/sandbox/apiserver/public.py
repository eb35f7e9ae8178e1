"""Paths that are no resources: discovery, health, version, keys."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from meshctl.sandbox.apiserver import discovery, document, negotiation, reply
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.discovery import Object
from meshctl.sandbox.apiserver.failure import (
    PlainNotFound,
    method_not_allowed,
    no_resource,
    not_acceptable,
    only_accepted,
)
from meshctl.sandbox.apiserver.negotiation import OFFERED, PROTOBUF, Clause, Media
from meshctl.sandbox.apiserver.target import Target

CHECKS = ("ping", "log", "etcd", "informer-sync", "poststarthook/start-apiextensions-controllers")
HEALTH = ("healthz", "livez", "readyz")
CACHED = "public, max-age=3600"
KEY_SET = "application/jwk-set+json"
VERSION = "v1.36.1"


async def answer(api: Api, request: web.BaseRequest, target: Target) -> web.StreamResponse:
    """What is at a path outside of resources; PlainNotFound if nothing is."""
    first, *rest = target.path.strip("/").split("/")
    if first in HEALTH:
        return _health(first, "/".join(rest), request.query)
    if first in ("api", "apis"):
        return _discovery(api, request, target, [part for part in rest if part])
    if first == "openid" and rest == ["v1", "jwks"]:
        return _keys(api, request)
    pages = {"": _index, "version": _version, ".well-known": _issuer, "metrics": _metrics}
    if first not in pages or (rest and first != ".well-known" and rest != [""]):
        raise PlainNotFound
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    return pages[first](api)


def _health(kind: str, check: str, query: Mapping[str, str]) -> web.Response:
    if check:
        if check not in CHECKS:
            raise PlainNotFound
        return reply.text("ok", nosniff=False)
    if "verbose" not in query:
        return reply.text("ok")
    excluded = query.get("exclude", "")
    lines = [f"[+]{name} {'excluded: ' if name == excluded else ''}ok" for name in CHECKS]
    return reply.text("\n".join([*lines, f"{kind} check passed", ""]))


def _version(_: Api) -> web.Response:
    major, minor = VERSION.lstrip("v").split(".")[:2]
    fields = {"major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor}
    fields |= {
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": VERSION,
    }
    fields |= {"gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z"}
    return reply.json_value(fields | {"goVersion": "", "compiler": "", "platform": "linux/amd64"})


def _index(api: Api) -> web.Response:
    groups = [f"/apis/{name}" for name in api.catalog.groups]
    served = [f"/apis/{name}/{version}" for name in api.catalog.groups for version in api.catalog.versions(name)]
    own = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/version", "/metrics"]
    health = [f"/{kind}{check}" for kind in HEALTH for check in ("", *(f"/{name}" for name in CHECKS))]
    documents = ["/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks"]
    return reply.json_value({"paths": sorted([*own, *groups, *served, *health, *documents])})


def _issuer(api: Api) -> web.Response:
    host = api.config.advertise_address or api.config.address
    found = {
        "issuer": api.config.issuer,
        "jwks_uri": f"https://{host}:{api.config.port}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    return reply.json_value(found, headers={"Cache-Control": CACHED})


def _keys(api: Api, request: web.BaseRequest) -> web.Response:
    accepted = [clause.media for clause in negotiation.clauses(request.headers.get("Accept", "*/*"))]
    if KEY_SET not in accepted and "*/*" not in accepted:
        raise not_acceptable((KEY_SET,))
    return reply.json_value(api.signer.key_set, headers={"Content-Type": KEY_SET, "Cache-Control": CACHED})


def _metrics(api: Api) -> web.Response:
    counted = [
        f'apiserver_storage_objects{{resource="{name}"}} {api.store.count(name)}' for name in api.store.resources()
    ]
    head = [
        "# HELP apiserver_storage_objects Number of stored objects.",
        "# TYPE apiserver_storage_objects gauge",
    ]
    return reply.text("\n".join([*head, *counted, ""]), nosniff=False)


def _discovery(api: Api, request: web.BaseRequest, target: Target, rest: list[str]) -> web.Response:
    root = target.path.strip("/").split("/")[0]
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    accept = request.headers.get("Accept")
    if not rest and (clause := _aggregation(accept)):
        names = ("",) if root == "api" else api.catalog.groups
        return _tagged(discovery.aggregated(api.catalog, names), clause, request)
    return reply.value(_document(api, root, rest, request.host), _media(accept))


def _document(api: Api, root: str, rest: list[str], host: str) -> Object:
    if root == "api":
        if rest not in ([], ["v1"]):
            raise no_resource()
        return discovery.resources(api.catalog, "", "v1") if rest else discovery.versions(host)
    if not rest:
        return discovery.groups(api.catalog)
    if rest[0] not in api.catalog.groups:
        raise PlainNotFound
    if len(rest) == 1:
        return discovery.group(api.catalog, rest[0])
    if rest[1] not in api.catalog.versions(rest[0]):
        raise no_resource() if api.catalog.is_builtin(rest[0]) else PlainNotFound
    return discovery.resources(api.catalog, rest[0], rest[1])


def _media(accept: str | None) -> Media:
    clauses = negotiation.clauses(accept or "*/*")
    for clause in clauses:
        if clause.media in (*OFFERED, "*/*", "application/*") and not clause.get("as"):
            return negotiation.negotiate(clause.media)
    raise only_accepted(OFFERED)


def _aggregation(accept: str | None) -> Clause | None:
    for clause in negotiation.clauses(accept or ""):
        wanted = (clause.get("g"), clause.get("v"), clause.get("as"))
        if wanted == ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList") and clause.media in OFFERED:
            return clause
    return None


def _tagged(found: Object, clause: Clause, request: web.BaseRequest) -> web.Response:
    tag = discovery.tag(found)
    headers = {"Vary": "Accept", "ETag": tag, "Cache-Control": "public"}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    media = "application/json" if clause.media == PROTOBUF else clause.media
    content_type = f"{media};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    body, _ = document.encode(found, Media(media))
    return reply.raw(body, content_type, headers=headers)
