"""The supervisor as the agents use it: many requests at once over one connection, and what programs do meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from meshctl.sandbox import wire
from meshctl.sandbox.connection import Connection, short
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Message, Pod, Program, Root

RUNNING = ("running", "starting")


class RuntimeFault(Exception):
    """The supervisor could not do what it was told; the text is its reason."""


class Runtime:
    """`programs` and `pods` are as the supervisor describes them at the moment."""

    def __init__(self, where: Paths) -> None:
        self.programs: dict[str, Message] = {}
        self.pods: dict[str, Message] = {}
        self.machines: dict[str, Message] = {}
        self._where = where
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._lost: list[Callable[[str], None]] = []

    async def open(self) -> None:
        """Connect; from here on `programs` and `pods` follow the supervisor."""
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short(self._where.control) as path:
            peer.connect(path)
        peer.setblocking(False)
        self._connection = Connection(peer, self._receive)
        self._connection.send({"id": 0, "do": "watch"})
        found = await self._ask("status")
        self.programs.update({one["name"]: one for one in found["programs"]})
        self.pods.update(found["pods"])
        self.machines.update(found["hosts"])

    @property
    def folder(self) -> Path:
        """The sandbox's."""
        return self._where.folder

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done when the supervisor is gone."""
        return self._connection.closed

    def on_lost(self, call: Callable[[str], None]) -> None:
        """Be told the name of a pod whose node has died."""
        self._lost.append(call)

    async def spawn(self, program: Program) -> Message:
        """Make sure that a program runs as described."""
        self._ends[program.name] = asyncio.Event()
        found = await self._ask("spawn", program=wire.document(program))
        self.programs.setdefault(program.name, found)
        return self.programs[program.name]

    async def ended(self, name: str) -> Message:
        """Wait until a program does not run any more: its last description, empty if it is unknown."""
        while (found := self.programs.get(name)) and found["state"] in RUNNING:
            event = self._ends.setdefault(name, asyncio.Event())
            event.clear()
            await event.wait()
        return found or {}

    async def finished(self, name: str) -> Message:
        """Wait for the end of a program that someone else has spawned: its last description."""
        event = self._ends.setdefault(name, asyncio.Event())
        while (found := self.programs.get(name)) is None or found["state"] in RUNNING:
            event.clear()
            await event.wait()
        return found

    async def stop(self, name: str) -> None:
        """Stop a program for good and forget it."""
        await self._ask("stop", name=name)
        self.programs.pop(name, None)
        self._note(name)
        self._ends.pop(name, None)

    async def signal(self, name: str, number: int) -> None:
        """Send a signal, if there is still someone to send it to."""
        with contextlib.suppress(RuntimeFault):
            await self._ask("signal", name=name, signal=number)

    async def run(
        self, argv: Sequence[str], text: str = "", node: str = "", pod: str = "", root: Root = "fabric"
    ) -> str:
        """What a short command prints; RuntimeFault with its output if it fails."""
        program = Program("command", tuple(argv), node, pod, root, restart="never")
        return str((await self._ask("run", program=wire.document(program), text=text))["output"])

    async def add_pod(self, pod: Pod) -> bool:
        """Make sure that a pod's namespaces exist; whether they had to be made."""
        changed = bool((await self._ask("add_pod", pod=wire.document(pod)))["changed"])
        self.pods[pod.name] = {"node": pod.node, "address": pod.address}
        return changed

    async def remove_pod(self, name: str) -> None:
        """Take away a pod with everything in it."""
        await self._ask("remove_pod", name=name)
        self.pods.pop(name, None)
        for program in [key for key, one in self.programs.items() if one["pod"] == name]:
            self.programs.pop(program)
            self._note(program)
            self._ends.pop(program, None)

    async def _ask(self, verb: str, **more: object) -> Message:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._connection.send({"id": number, "do": verb, **more})
        try:
            return await self._answers[number]
        finally:
            self._answers.pop(number, None)

    def _receive(self, _: Connection, line: bytes, __: tuple[int, ...]) -> None:
        message = json.loads(line)
        if "event" in message:
            self._happened(message["event"])
            return
        answer = self._answers.get(message["id"])
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(RuntimeFault(message["error"]))
        else:
            answer.set_result(message["ok"])

    def _happened(self, event: Message) -> None:
        if "program" in event:
            self.programs[event["program"]["name"]] = event["program"]
            self._note(event["program"]["name"])
        elif "pod" in event:
            self.pods.pop(event["pod"], None)
            for call in self._lost:
                call(event["pod"])

    def _note(self, name: str) -> None:
        if event := self._ends.get(name):
            event.set()
