"""What a node's agent answers: /log, and the streams that need one: /exec, /attach, /portforward, /proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from aiohttp import ClientWebSocketResponse, web

from meshctl.sandbox.apiserver import agents, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request, not_found
from meshctl.sandbox.apiserver.representation import load
from meshctl.sandbox.apiserver.streaming import command, ports, relay
from meshctl.sandbox.apiserver.streaming.line import Taken, tunnelled, upgraded
from meshctl.sandbox.apiserver.target import is_true

LOG_PARAMETERS = {
    "follow": "follow",
    "previous": "previous",
    "timestamps": "timestamps",
    "tailLines": "tailLines",
    "limitBytes": "limitBytes",
    "sinceSeconds": "sinceSeconds",
    "sinceTime": "sinceTime",
}

AGENT_PATHS = {"portforward": "portForward"}
AGENT_STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error"}
CHANNELS, PORTS, TUNNEL = "v4.channel.k8s.io", "portforward.k8s.io", "SPDY/3.1+portforward.k8s.io"
COMMANDS = ("v5.channel.k8s.io", CHANNELS)

Object = Mapping[str, Any]
Dial = Callable[[list[tuple[str, str]], str], AbstractAsyncContextManager[ClientWebSocketResponse]]
"""Opens a WebSocket of the pod's agent with a query and a subprotocol."""


async def log(call: Call) -> web.StreamResponse:
    """GET of a container's log; a pod without a node has none."""
    pod = load(call.resource, call.current())
    container = _container(pod, call.query.get("container", ""))
    node = pod["spec"].get("nodeName")
    if not node:
        return reply.text("", nosniff=False)
    path = f"/containerLogs/{call.target.namespace}/{call.target.name}/{container}"
    query = {name: call.query[name] for name in LOG_PARAMETERS if name in call.query}
    return await agents.forward(call.api, call.request, node, path, query)


async def stream(call: Call) -> web.StreamResponse:
    """exec, attach and portforward, over WebSocket or SPDY."""
    pod = load(call.resource, call.current())
    name, what = pod["metadata"]["name"], call.target.subresource
    path = f"/{AGENT_PATHS.get(what, what)}/{call.target.namespace}/{name}"
    if what != "portforward":
        path += f"/{_container(pod, call.query.get('container', ''))}"
    node = pod["spec"].get("nodeName")
    if not node:
        raise bad_request(f"pod {name} does not have a host assigned")
    upgrade = call.request.headers.get("Upgrade", "").lower()
    if upgrade not in ("websocket", "spdy/3.1"):
        raise bad_request("Upgrade request required")
    dial = partial(agents.channel, call.api, node, path)
    if what == "portforward":
        return await _forward(call, dial, upgrade)
    return await _run(call, dial, upgrade)


async def _run(call: Call, dial: Dial, upgrade: str) -> web.StreamResponse:
    """A command: exec or attach."""
    query = [(key, value) for key, value in call.request.rel_url.query.items() if key in ("command", "tty")]
    query += [(ours, "1") for name, ours in AGENT_STREAMS.items() if is_true(call.query, name)]
    if upgrade == "websocket":
        return await _relayed(call, dial, query, COMMANDS)
    async with dial(query, COMMANDS[0]) as agent:
        line = await upgraded(call.request, COMMANDS[1])
        await command.serve(line, agent)
    return Taken()


async def _forward(call: Call, dial: Dial, upgrade: str) -> web.StreamResponse:
    def port(number: str) -> AbstractAsyncContextManager[ClientWebSocketResponse]:
        return dial([("ports", number)], CHANNELS)

    if upgrade != "websocket":
        await ports.serve(await upgraded(call.request, PORTS), port)
        return Taken()
    if TUNNEL not in _offered(call):
        asked = [entry for entry in call.request.rel_url.query.items() if entry[0] == "ports"]
        return await _relayed(call, dial, asked, (CHANNELS,))
    socket = web.WebSocketResponse(protocols=(TUNNEL,), max_msg_size=0)
    await socket.prepare(call.request)
    await ports.serve(tunnelled(socket), port)
    return socket


async def _relayed(
    call: Call, dial: Dial, query: list[tuple[str, str]], protocols: Sequence[str]
) -> web.StreamResponse:
    chosen = next((one for one in protocols if one in _offered(call)), CHANNELS)
    async with dial(query, chosen) as agent:
        client = web.WebSocketResponse(protocols=(chosen,), max_msg_size=0)
        await client.prepare(call.request)
        await relay.relay(client, agent)
    return client


def _offered(call: Call) -> list[str]:
    stated = call.request.headers.getall("Sec-WebSocket-Protocol", [])
    return [one.strip() for line in stated for one in line.split(",")]


def _container(pod: Object, wanted: str) -> str:
    name, spec = pod["metadata"]["name"], pod["spec"]
    kinds = ("initContainers", "containers", "ephemeralContainers")
    names = [one["name"] for kind in kinds for one in spec.get(kind) or ()]
    if not wanted and len(spec["containers"]) == 1:
        return str(spec["containers"][0]["name"])
    if not wanted:
        choice = " ".join(one["name"] for one in spec["containers"])
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choice}]")
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted


async def proxy(call: Call) -> web.StreamResponse:
    """/proxy of pods, services and nodes: nothing is reached this way here."""
    call.current()
    raise not_found(call.resource.group, call.resource.plural, call.target.name)
