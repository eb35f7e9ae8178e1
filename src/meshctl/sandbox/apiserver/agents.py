"""Requests passed on to a node's agent, as kube-apiserver passes them on to the kubelet."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Failure, plain_error

KUBELET_PORT = 10250
PREFERRED = ("InternalIP", "ExternalIP", "Hostname")


def url(api: Api, node: str, path: str) -> str:
    """Where the node's agent serves a path."""
    found = api.lookup("nodes", "", node)
    return f"https://{_host(found, node)}:{_port(api, found) or KUBELET_PORT}{path}"


def _port(api: Api, node: Mapping[str, Any] | None) -> int | None:
    """The port of the node's agent; None if none serves it."""
    status = (node or {}).get("status") or {}
    endpoint = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
    return api.config.agent_port or endpoint.get("Port")


def _host(node: Mapping[str, Any] | None, name: str) -> str:
    found = {one["type"]: one["address"] for one in ((node or {}).get("status") or {}).get("addresses") or ()}
    return next((found[kind] for kind in PREFERRED if kind in found), name)


async def forward(
    api: Api, request: web.BaseRequest, node: str, path: str, query: Mapping[str, str]
) -> web.StreamResponse:
    """The agent's answer, as it comes; Failure 500 if the agent cannot be reached."""
    target = url(api, node, path)
    if _port(api, api.lookup("nodes", "", node)) is None:
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


@asynccontextmanager
async def channel(
    api: Api, node: str, path: str, query: Sequence[tuple[str, str]], protocol: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket of the agent; Failure if the agent cannot be reached or does not want to."""
    target = url(api, node, path)
    if _port(api, api.lookup("nodes", "", node)) is None:
        raise plain_error(f"error dialing backend: {target}: no agent serves this node")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        asked, trust = f"{target}?{urlencode(query)}", _trust(api)
        try:
            socket = await session.ws_connect(asked, protocols=(protocol,), ssl=trust, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            raise await _declined(session, asked, trust, error.status) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise plain_error(f"error dialing backend: {error or 'i/o timeout'}") from None
        async with socket:
            yield socket


async def _declined(session: aiohttp.ClientSession, asked: str, trust: ssl.SSLContext, status: int) -> Failure:
    """Why the agent does not upgrade, which it says to those alone who do not ask for it."""
    async with session.get(asked, ssl=trust) as answer:
        said = (await answer.text())[:2048].strip()
    return Failure(status if status >= 400 else 500, "", said or "unable to upgrade connection")


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
