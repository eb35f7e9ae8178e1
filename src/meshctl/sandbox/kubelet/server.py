"""The agents' HTTPS server: on each node's address, for the API server alone."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from meshctl.sandbox.kubelet import logs, portforward, streams
from meshctl.sandbox.kubelet.containers import Container
from meshctl.sandbox.kubelet.logs import Marks
from meshctl.sandbox.kubelet.node import Node
from meshctl.sandbox.kubelet.pods import Pod

if TYPE_CHECKING:
    from meshctl.sandbox.controllers.config import Config

LOG = logging.getLogger(__name__)
PORT = 10250
CLIENT = "kube-apiserver"
SECONDS = 1.0
Find = Callable[[str, str], Pod | None]


class Server:
    """Answers about the pods that `find` knows."""

    def __init__(self, settings: Config, find: Find, pods: Callable[[], list[Pod]]) -> None:
        self._find = find
        self._pods = pods
        self._settings = settings
        self._marks: dict[Path, Marks] = {}

    async def serve(self, nodes: list[Node]) -> None:
        """Listen on every node that is up, also on one that comes back."""
        app = web.Application(middlewares=[_known])
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_get("/exec/{namespace}/{pod}/{container}", self._exec)
        app.router.add_get("/attach/{namespace}/{pod}/{container}", self._attach)
        app.router.add_get("/portForward/{namespace}/{pod}", self._forward)
        app.router.add_get("/healthz", _healthy)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        listening: dict[str, int] = {}
        try:
            while True:
                for node in nodes:
                    if node.pid and listening.get(node.spec.name) != node.pid:
                        await self._listen(runner, node)
                        listening[node.spec.name] = node.pid
                self._note_logs()
                await asyncio.sleep(SECONDS)
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner, node: Node) -> None:
        assert self._settings.agent_certificate and self._settings.agent_key  # noqa: S101 # they go with `folder`
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._settings.authority))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self._settings.agent_certificate, self._settings.agent_key)
        try:
            listener = await node.ground.networks.socket_in(node.pid)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((node.spec.address, PORT))
            await web.SockSite(runner, listener, ssl_context=context).start()
        except OSError as error:
            LOG.warning("node %s: port %d: %s", node.spec.name, PORT, error)

    def _known_of(self, path: Path) -> Marks:
        """What is known of when a log was written."""
        return self._marks.setdefault(path, Marks())

    def _note_logs(self) -> None:
        """Note how long every log is, and keep it within bounds."""
        born = [one for pod in self._pods() for one in pod.containers if one.attempt >= 0]
        present = {one.pod.files.log(one.name, one.attempt) for one in born}
        for gone in set(self._marks) - present:
            if not gone.exists():
                del self._marks[gone]
        for path in present:
            try:
                size = path.stat().st_size
            except OSError:
                continue
            self._known_of(path).note(time.time(), size)
            logs.cut(path)

    def _container(self, request: web.Request) -> tuple[Pod, Container]:
        pod = self._pod(request)
        name = request.match_info["container"]
        for one in pod.containers:
            if one.name == name:
                return pod, one
        raise web.HTTPNotFound(text=f"container {name} not found in pod {pod.spec['metadata']['name']}")

    def _pod(self, request: web.Request) -> Pod:
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        pod = self._find(namespace, name)
        if pod is None:
            raise web.HTTPNotFound(text=f'pod "{namespace}/{name}" not found')
        return pod

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._container(request)
        try:
            wanted = logs.wish(request.query, time.time())
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        previous = request.query.get("previous") in ("true", "1")
        attempt = container.attempt - 1 if previous else container.attempt
        path = pod.files.log(container.name, attempt)
        if attempt < 0 or not path.exists():
            raise web.HTTPBadRequest(text=_no_log(pod, container, previous))
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await answer.prepare(request)
        marks = self._known_of(path)
        marks.note(time.time(), path.stat().st_size)
        ended = asyncio.ensure_future(pod.runtime.ended(container.program_name)) if not previous else None
        try:
            async for piece in logs.read(path, wanted, marks, ended):
                await answer.write(piece)
        except FileNotFoundError:
            pass
        finally:
            if ended:
                ended.cancel()
        await answer.write_eof()
        return answer

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        pod, container = self._container(request)
        if not container.pid and not container.image:
            text = f'unable to upgrade connection: container not found ("{container.name}")'
            raise web.HTTPInternalServerError(text=text)
        return await streams.serve(request, pod, container)

    async def _attach(self, _: web.Request) -> web.StreamResponse:
        raise web.HTTPNotImplemented(text="attach: the sandbox's containers have no terminal; use exec or logs")

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        return await portforward.serve(request, self._pod(request))


def _no_log(pod: Pod, container: Container, previous: bool) -> str:
    name = pod.spec["metadata"]["name"]
    if previous:
        return f'previous terminated container "{container.name}" in pod "{name}" not found'
    reason = (container.state.state.get("waiting") or {}).get("reason", "ContainerCreating")
    return f'container "{container.name}" in pod "{name}" is waiting to start: {reason}'


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


@web.middleware
async def _known(request: web.Request, handler: Callable[[web.Request], object]) -> web.StreamResponse:
    """The API server only: what it relays it has authorised."""
    certificate = request.transport.get_extra_info("peercert") if request.transport else None
    names = {value for part in (certificate or {}).get("subject", ()) for key, value in part if key == "commonName"}
    if CLIENT not in names:
        raise web.HTTPForbidden(text="Forbidden: only the API server may ask")
    found = await handler(request)  # type: ignore[misc]
    assert isinstance(found, web.StreamResponse)  # noqa: S101 # every handler's
    return found
