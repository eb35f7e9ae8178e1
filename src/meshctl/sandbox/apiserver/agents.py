"""Requests passed on to a node's agent, as kube-apiserver passes them on to the kubelet."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import plain_error

KUBELET_PORT = 10250
PREFERRED = ("InternalIP", "ExternalIP", "Hostname")


def url(api: Api, node: str, path: str) -> str:
    """Where the node's agent serves a path."""
    return f"https://{_host(api.lookup('nodes', '', node), node)}:{api.config.agent_port or KUBELET_PORT}{path}"


def _host(node: Mapping[str, Any] | None, name: str) -> str:
    found = {one["type"]: one["address"] for one in ((node or {}).get("status") or {}).get("addresses") or ()}
    return next((found[kind] for kind in PREFERRED if kind in found), name)


async def forward(
    api: Api, request: web.BaseRequest, node: str, path: str, query: Mapping[str, str]
) -> web.StreamResponse:
    """The agent's answer, as it comes; Failure 500 if the agent cannot be reached."""
    target = url(api, node, path)
    if api.config.agent_port is None:
        raise plain_error(f'Get "{target}": no agent serves this node')
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(target, params=query, ssl=_trust(api)) as answer,
        ):
            return await _relay(request, answer)
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        raise plain_error(f'Get "{target}": {error or "i/o timeout"}') from None


def _trust(api: Api) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(api.config.client_ca))
    context.load_cert_chain(api.config.serving_cert, api.config.serving_key)
    return context


async def _relay(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    relayed = web.StreamResponse(status=answer.status)
    relayed.headers["Content-Type"] = answer.headers.get("Content-Type", "text/plain")
    await relayed.prepare(request)
    async for part in answer.content.iter_any():
        await relayed.write(part)
    await relayed.write_eof()
    return relayed
