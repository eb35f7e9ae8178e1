"""Talking to the supervisor of a sandbox; every function is one verb of its control socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from meshctl.errors import MeshctlError, UsageError
from meshctl.sandbox import paths, wire
from meshctl.sandbox.connection import short
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Fabric, Message, Pod, Program, Root

SECONDS = 60.0


class SandboxError(MeshctlError):
    """The supervisor could not do what it was told; the text is its reason."""


class Control:
    """A connection to a supervisor; a context manager. UsageError if the sandbox is not up."""

    def __init__(self, where: Paths, seconds: float = SECONDS) -> None:
        self._name = where.folder.name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        self._number = 0
        try:
            with short(where.control) as path:
                self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise UsageError(f"the sandbox {self._name} is not up; `meshctl up` builds it") from None
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def status(self) -> Message:
        """`version`, `pid`, `hosts` {name: address, pid, ready}, `wanted`, `programs`, `pods`, `forwards`."""
        return self._ask("status")

    def apply(self, fabric: Fabric, report: Callable[[Message], None]) -> Message:
        """Make the hosts what is wanted: `created`, `removed`, `mended`; `report` gets each event."""
        return self._ask("apply", report, fabric=wire.document(fabric))

    def compare(self, fabric: Fabric) -> Message:
        """What `apply` would do: `created`, `removed`, `mended`."""
        return self._ask("compare", fabric=wire.document(fabric))

    def run(self, argv: Sequence[str], text: str = "", node: str = "", pod: str = "", root: Root = "fabric") -> str:
        """What a short command prints in a node's network, or a pod's; `text` is its standard input.

        `root` as of a Program. SandboxError with its output if it fails.
        """
        program = Program("command", tuple(argv), node, pod, root, restart="never")
        return str(self._ask("run", program=wire.document(program), text=text)["output"])

    def spawn(self, program: Program, stdio: Sequence[int] = ()) -> Message:
        """Make sure that a program runs as described: its state, and whether anything was `changed`.

        `stdio`: three open files for a program that talks to someone and is never restarted.
        """
        return self._ask("spawn", files=stdio, program=wire.document(program))

    def stop(self, name: str) -> Message:
        """Stop a program for good: `changed` says whether there was one."""
        return self._ask("stop", name=name)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a program's process group."""
        self._ask("signal", name=name, signal=number)

    def stats(self) -> Message:
        """`processes`, `resident_kib` and `cpu_seconds` by program."""
        return self._ask("stats")

    def watch(self) -> Iterator[Message]:
        """Events of programs and hosts as they happen, for ever: {"program": {...}} or {"host": ..., "state": ...}."""
        self._socket.settimeout(None)
        for answer in self._converse("watch", (), {}):
            if "watching" not in answer.get("event", {}):
                yield answer["event"]

    def add_pod(self, pod: Pod) -> Message:
        """Make sure that a pod's namespaces exist: `changed`."""
        return self._ask("add_pod", pod=wire.document(pod))

    def remove_pod(self, name: str) -> Message:
        """Stop what runs in a pod and remove its namespaces: `changed`."""
        return self._ask("remove_pod", name=name)

    def forward(self, address: str, port: int, listen: int = 0) -> int:
        """Make sure that a port of 127.0.0.1 leads to `address:port` in the fabric, and return it.

        `listen` 0 takes the one there is, or any; UsageError if the port is taken.
        """
        there = int(self._ask("forward", address=address, port=port)["port"])
        if there and listen in (0, there):
            return there
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", listen))
            except OSError as error:
                raise UsageError(
                    f"port {listen} of 127.0.0.1 can't be used: {error.strerror}; choose another"
                ) from None
            listener.listen(128)
            return int(self._ask("forward", files=[listener.fileno()], address=address, port=port)["port"])

    def unforward(self, address: str, port: int) -> Message:
        """Close the listener that leads to `address:port`: `changed`."""
        return self._ask("unforward", address=address, port=port)

    def _ask(
        self, verb: str, report: Callable[[Message], None] = lambda _: None, files: Sequence[int] = (), **more: Any
    ) -> Message:
        for answer in self._converse(verb, files, more):
            if "event" not in answer:
                return dict(answer["ok"])
            report(answer["event"])
        raise SandboxError(f"the sandbox {self._name} died while it was asked to {verb}; run `meshctl up`")

    def _converse(self, verb: str, files: Sequence[int], more: Message) -> Iterator[Message]:
        self._number += 1
        line = json.dumps({"id": self._number, "do": verb, **more}).encode() + b"\n"
        try:
            # The files go with the first byte; a long line may need several sends.
            sent = socket.send_fds(self._socket, [line], list(files)) if files else 0
            self._socket.sendall(line[sent:])
            for text in self._lines:
                answer = json.loads(text)
                if "error" in answer:
                    raise SandboxError(answer["error"])
                yield answer
        except TimeoutError:
            raise SandboxError(
                f"the supervisor of {self._name} does not answer; `meshctl down` ends it, `meshctl up` builds it anew"
            ) from None
        except ConnectionError:
            return


def connect(name: str) -> Control:
    """The supervisor of the sandbox of that name; UsageError if it is not up."""
    return Control(paths.of(name))
