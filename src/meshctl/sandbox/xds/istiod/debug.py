"""What the control plane tells of itself over HTTP: readiness, who is connected, and what each was given."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Protocol

from aiohttp import web

from meshctl.sandbox.xds.istiod.client import Client
from meshctl.sandbox.xds.istiod.informer import Informer
from meshctl.sandbox.xds.istiod.messages import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET
from meshctl.sandbox.xds.istiod.pilot import Pilot
from meshctl.sandbox.xds.istiod.remotes import Remotes

NAMES = {CLUSTER: "cluster", ENDPOINTS: "endpoint", LISTENER: "listener", ROUTES: "route", SECRET: "secret"}
DUMPED = {CLUSTER: "clusters", ENDPOINTS: "endpoints", LISTENER: "listeners", ROUTES: "routes"}


class Plane(Protocol):
    """What there is to tell of."""

    pilot: Pilot
    remotes: Remotes

    def known(self) -> dict[str, Informer]: ...


@contextlib.asynccontextmanager
async def serving(plane: Plane, address: str, *ports: int) -> AsyncIterator[None]:
    """Serve while the context is open: `/ready`, `/debug/syncz`, `/debug/clusterz`, `/debug/config_dump?proxyID=`."""

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="")

    async def proxies(_: web.Request) -> web.Response:
        return _json([status(client) for client in plane.pilot.clients])

    async def clusters(_: web.Request) -> web.Response:
        return _json(list(_clusters(plane)))

    async def config(request: web.Request) -> web.Response:
        wanted = request.query.get("proxyID", "")
        found = next((one for one in plane.pilot.clients if wanted in (one.name, one.node)), None)
        if found is None:
            raise web.HTTPNotFound(text=f"proxy {wanted!r} is not connected; connected are those of /debug/syncz\n")
        return _json(dump(found))

    app = web.Application()
    app.router.add_get("/ready", ready)
    app.router.add_get("/debug/syncz", proxies)
    app.router.add_get("/debug/clusterz", clusters)
    app.router.add_get("/debug/config_dump", config)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        for port in ports:
            await web.TCPSite(runner, address, port).start()
        yield
    finally:
        await runner.cleanup()


def status(client: Client) -> dict[str, Any]:
    """How far a proxy has what it was sent, by type: nonces sent and acknowledged, the state, a refusal's text."""
    told: dict[str, Any] = {
        "cluster_id": client.proxy.cluster,
        "proxy": client.name,
        "proxy_type": client.proxy.type.value,
        "istio_version": client.version,
        "connected": client.connected,
    }
    for url, name in NAMES.items():
        if subscription := client.subscriptions.get(url):
            told[f"{name}_sent"], told[f"{name}_acked"] = subscription.sent, subscription.acked
            told[f"{name}_status"] = subscription.state
            if subscription.error:
                told[f"{name}_error"] = subscription.error
    return told


def dump(client: Client) -> dict[str, dict[str, Any]]:
    """What a proxy should have: {clusters, endpoints, listeners, routes: {name: resource}}."""
    return {name: {key: one.json for key, one in client.resources.get(url, {}).items()} for url, name in DUMPED.items()}


def _clusters(plane: Plane) -> Iterator[dict[str, Any]]:
    """Each cluster's state: a server that can't be read any more, and a remote secret that is of no use."""
    for name, informer in plane.known().items():
        secret = plane.remotes.known[name].secret if name in plane.remotes.known else None
        yield {
            "id": name,
            "secretName": "/".join(secret) if secret else "",
            "server": informer.api.address.server,
            "syncStatus": "synced" if informer.synced.is_set() else "syncing",
            "fault": informer.fault,
        }
    for owner, fault in plane.remotes.faults.items():
        yield {"id": "", "secretName": "/".join(owner), "syncStatus": "unusable", "fault": fault}


def _json(found: list[Any] | Mapping[str, Any]) -> web.Response:
    return web.json_response(found, dumps=lambda value: json.dumps(value, default=dict))
