"""Istiod's HTTPS port: pods on their way into the API server get their proxy here."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from meshctl.sandbox.xds.istiod import injection
from meshctl.sandbox.xds.istiod.api import FAULTS, ApiFault
from meshctl.sandbox.xds.istiod.authority import Pair
from meshctl.sandbox.xds.istiod.identities import Identities
from meshctl.sandbox.xds.istiod.informer import Informer
from meshctl.sandbox.xds.istiod.injection import Site
from meshctl.sandbox.xds.istiod.kinds import WEBHOOKS
from meshctl.sandbox.xds.istiod.settings import Settings
from meshctl.sandbox.xds.istiod.world import World

LOG = logging.getLogger(__name__)
REVISION_LABEL, NAME_SUFFIX = "istio.io/rev", "sidecar-injector.istio.io"
INJECTOR = "istio-sidecar-injector"
JSON_PATCH = "application/json-patch+json"
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


class Plane(Protocol):
    """What the webhook needs to know of the control plane."""

    settings: Settings
    own: Informer
    world: World
    identities: Identities


@contextlib.asynccontextmanager
async def serving(plane: Plane, address: str, port: int) -> AsyncIterator[None]:
    """Serve while the context is open."""

    async def inject(request: web.Request) -> web.Response:
        return await _inject(plane, request)

    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/inject", inject)
    app.router.add_post("/inject/{path:.*}", inject)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, ssl_context=_context(plane.identities)).start()
        yield
    finally:
        await runner.cleanup()


async def _inject(plane: Plane, request: web.Request) -> web.Response:
    try:
        review = await request.json()
        asked = review["request"]
        answer = _answer(asked, site(plane, request.match_info.get("path", "")))
    except MALFORMED as fault:
        raise web.HTTPBadRequest(text=f"not an AdmissionReview of a pod: {fault!r}") from None
    found = {"apiVersion": review.get("apiVersion"), "kind": "AdmissionReview"}
    return web.json_response({**found, "response": {"uid": asked["uid"], **answer}})


def _answer(asked: Mapping[str, Any], where: Site) -> dict[str, Any]:
    pod, namespace = asked["object"], asked.get("namespace") or "default"
    try:
        patch = injection.patch(pod, namespace, where) if injection.required(pod, namespace) else []
    except ValueError as fault:
        return {"allowed": False, "status": {"message": str(fault), "code": 400}}
    if not patch:
        return {"allowed": True}
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}


def site(plane: Plane, path: str) -> Site:
    """Where a pod is created: `cluster/NAME/net/NAME` of the webhook's path, else what the injector's values say."""
    parts = path.split("/")
    stated = dict(zip(parts[::2], parts[1::2], strict=False))
    values = _values(plane.own.get("ConfigMap", plane.settings.namespace, INJECTOR))
    raw = plane.world.config.raw
    default = raw.get("defaultConfig") or {}
    local = Site(cluster=plane.settings.cluster)
    named = (values.get("multiCluster") or {}).get("clusterName")
    return Site(
        cluster=stated.get("cluster") or named or local.cluster,
        network=stated.get("net") or ("" if stated.get("cluster") else values.get("network") or ""),
        mesh_id=default.get("meshId") or values.get("meshID") or "",
        trust_domain=plane.world.config.trust_domain,
        revision=plane.settings.revision,
        image=_image(values) or local.image,
        proxy_config=default,
    )


def _values(config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    try:
        found = json.loads(((config or {}).get("data") or {}).get("values") or "{}")
    except json.JSONDecodeError as fault:
        LOG.error("ConfigMap %s: values: not JSON: %s", INJECTOR, fault)
        return {}
    found = found.get("global") if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _image(values: Mapping[str, Any]) -> str:
    image = (values.get("proxy") or {}).get("image") or "proxyv2"
    if "/" in image or not (values.get("hub") and values.get("tag")):
        return image if "/" in image else ""
    return f"{values['hub']}/{image}:{values['tag']}"


def _context(identities: Identities) -> ssl.SSLContext:
    """TLS with the serving certificate of the moment: each handshake takes the current one."""
    known: dict[int, tuple[Pair, ssl.SSLContext]] = {}

    def current(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        pair = identities.serving
        if id(pair) not in known:
            known.clear()
            known[id(pair)] = pair, _of(pair)
        connection.context = known[id(pair)][1]

    first = _of(identities.serving)
    first.sni_callback = current
    return first


def _of(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module reads keys from files only; this one is 0600 and gone at once.
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(pair.chain + pair.key)
        context.load_cert_chain(file.name)
    return context


async def patch_bundles(informers: Mapping[str, Informer], revision: str, root: str) -> bool:
    """Put the root into the caBundle of our revision's injectors; False if an API server does not take it."""
    bundle = base64.b64encode(root.encode()).decode()
    done = True
    for informer in informers.values():
        for item in list(informer.all(WEBHOOKS.name)):
            meta = item["metadata"]
            if (meta.get("labels") or {}).get(REVISION_LABEL) == revision:
                changes = _stale(item.get("webhooks") or (), bundle)
                done = await _patch(informer, meta["name"], changes) and done
    return done


def _stale(webhooks: Any, bundle: str) -> list[dict[str, Any]]:
    return [
        {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": bundle}
        for number, hook in enumerate(webhooks)
        if hook["name"].endswith(NAME_SUFFIX) and (hook.get("clientConfig") or {}).get("caBundle") != bundle
    ]


async def _patch(informer: Informer, name: str, changes: list[dict[str, Any]]) -> bool:
    if not changes:
        return True
    try:
        await informer.api.ask("PATCH", f"{WEBHOOKS.path}/{name}", changes, JSON_PATCH)
    except (ApiFault, *FAULTS) as fault:
        LOG.warning("cluster %s: %s %s: caBundle not written: %s", informer.cluster, WEBHOOKS.name, name, fault)
        return False
    return True
