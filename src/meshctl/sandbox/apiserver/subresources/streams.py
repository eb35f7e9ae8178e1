"""What a node's agent answers: /log, and the streams that need one: /exec, /attach, /portforward, /proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import agents, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request, not_found, plain_error
from meshctl.sandbox.apiserver.representation import load

LOG_PARAMETERS = {
    "follow": "follow",
    "previous": "previous",
    "timestamps": "timestamps",
    "tailLines": "tailLines",
    "limitBytes": "limitBytes",
    "sinceSeconds": "sinceSeconds",
    "sinceTime": "sinceTime",
}

Object = Mapping[str, Any]


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
    """exec, attach and portforward."""
    pod = load(call.resource, call.current())
    name = pod["metadata"]["name"]
    if call.target.subresource != "portforward":
        container = _container(pod, call.query.get("container", ""))
    node = pod["spec"].get("nodeName")
    if not node:
        raise bad_request(f"pod {name} does not have a host assigned")
    kind = {"portforward": "portForward"}.get(call.target.subresource, call.target.subresource)
    path = f"/{kind}/{call.target.namespace}/{name}"
    path += f"/{container}" if kind != "portForward" else ""
    raise plain_error(f"error dialing backend: {agents.url(call.api, node, path)}: streams are not served")


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
