"""The supervisor's control socket: the verbs, and what each does to the fabric."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from meshctl.sandbox import wire
from meshctl.sandbox.children import ChildFailed
from meshctl.sandbox.connection import Connection, short
from meshctl.sandbox.events import Events
from meshctl.sandbox.fleet import Fleet
from meshctl.sandbox.forwards import Forwards
from meshctl.sandbox.wire import Fabric, Message, Pod, Program
from meshctl.sandbox.workloads import Workloads


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is being answered; `files` are closed when it is."""

    number: object
    arguments: Message
    files: tuple[int, ...]
    connection: Connection

    def say(self, event: Message) -> None:
        """Tell the client something before the answer."""
        self.connection.send({"id": self.number, "event": event})

    def keep_files(self) -> list[int]:
        """The files that came along, as the caller's own."""
        return [os.dup(one) for one in self.files]


Verb = Callable[[Call], Awaitable[Message]]


class Server:
    """Answers the verbs of `control`."""

    def __init__(self, path: Path, fleet: Fleet, workloads: Workloads, events: Events) -> None:
        self._path = path
        self._fleet = fleet
        self._workloads = workloads
        self._events = events
        self._forwards = Forwards()
        self._tasks: set[asyncio.Future[None]] = set()
        self._verbs: dict[str, Verb] = {
            "status": self._status,
            "apply": self._apply,
            "compare": self._compare,
            "run": self._run,
            "spawn": self._spawn,
            "stop": self._stop,
            "signal": self._signal,
            "stats": self._stats,
            "watch": self._watch,
            "add_pod": self._add_pod,
            "remove_pod": self._remove_pod,
            "forward": self._forward,
            "unforward": self._unforward,
        }

    def listen(self) -> None:
        """Open the socket, for its owner alone, and serve in the background."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(0o177)
        try:
            with short(self._path) as path:
                listener.bind(path)
        finally:
            os.umask(umask)
        listener.listen(64)
        listener.setblocking(False)
        self._keep(self._accept(listener))

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            peer, _ = await asyncio.get_running_loop().sock_accept(listener)
            peer.setblocking(False)
            Connection(peer, self._receive)

    def _receive(self, connection: Connection, line: bytes, files: tuple[int, ...]) -> None:
        self._keep(self._answer(connection, line, files))

    async def _answer(self, connection: Connection, line: bytes, files: tuple[int, ...]) -> None:
        number: object = None
        try:
            request = json.loads(line)
            number = request.pop("id", None)
            verb = self._verbs[request.pop("do")]
            result = await verb(Call(number, request, files, connection))
            connection.send({"id": number, "ok": result})
        except (ChildFailed, OSError, ValueError) as error:
            connection.send({"id": number, "error": str(error)})
        except (KeyError, TypeError, AttributeError) as error:
            connection.send({"id": number, "error": f"bad request: {error!r}"})
        finally:
            for descriptor in files:
                os.close(descriptor)

    async def _status(self, _: Call) -> Message:
        state = {"version": wire.VERSION, "pid": os.getpid(), "forwards": self._forwards.describe()}
        return {**state, **self._fleet.describe(), **self._workloads.describe()}

    async def _apply(self, call: Call) -> Message:
        wanted = wire.parse(Fabric, call.arguments["fabric"])
        # Goes on to its end if whoever asked is killed meanwhile.
        with self._events.told_to(call.say):
            return await self._fleet.apply(wanted)

    async def _compare(self, call: Call) -> Message:
        return self._fleet.compare(wire.parse(Fabric, call.arguments["fabric"]))

    async def _run(self, call: Call) -> Message:
        return await self._workloads.run(wire.parse(Program, call.arguments["program"]), call.arguments["text"])

    async def _spawn(self, call: Call) -> Message:
        program = wire.parse(Program, call.arguments["program"])
        if call.files and (len(call.files) != 3 or program.restart != "never"):
            raise ValueError(f"{program.name}: three open files go with `restart` never, found {len(call.files)}")
        return await self._workloads.spawn(program, call.keep_files())

    async def _stop(self, call: Call) -> Message:
        return await self._workloads.stop(call.arguments["name"])

    async def _signal(self, call: Call) -> Message:
        return self._workloads.signal(call.arguments["name"], int(call.arguments["signal"]))

    async def _stats(self, _: Call) -> Message:
        return self._workloads.stats()

    async def _watch(self, call: Call) -> Message:
        """Events of programs and hosts until the client hangs up."""
        with self._events.told_to(call.say):
            call.say({"watching": True})
            await asyncio.shield(call.connection.closed)
        return {}

    async def _add_pod(self, call: Call) -> Message:
        return await self._workloads.add_pod(wire.parse(Pod, call.arguments["pod"]))

    async def _remove_pod(self, call: Call) -> Message:
        return await self._workloads.remove_pod(call.arguments["name"])

    async def _forward(self, call: Call) -> Message:
        target = call.arguments["address"], int(call.arguments["port"])
        return await self._forwards.add(*target, call.keep_files())

    async def _unforward(self, call: Call) -> Message:
        return self._forwards.remove(call.arguments["address"], int(call.arguments["port"]))

    def _keep(self, work: Awaitable[None]) -> None:
        """Run in the background; asyncio holds tasks only weakly."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
