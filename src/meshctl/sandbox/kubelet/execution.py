"""Commands inside running containers."""

from __future__ import annotations

import asyncio
import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from meshctl.sandbox.children import memory
from meshctl.sandbox.control import Control, SandboxError
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Program

if TYPE_CHECKING:
    from meshctl.sandbox.kubelet.containers import Container
    from meshctl.sandbox.kubelet.pods import Pod

OUTPUT_LIMIT = 10 * 1024


def program(pod: Pod, container: Container, words: tuple[str, ...], environment: dict[str, str]) -> Program:
    """A command beside the container's own program: its files, its network, its user."""
    from meshctl.sandbox.kubelet import launch

    name = f"{container.program_name}/exec/{secrets.token_hex(6)}"
    made = launch.program(name, pod.spec, container.spec, words, environment, (), pod.files.folder / "none")
    return replace(made, log="", beside=container.program_name, grace=1.0)


async def start(pod: Pod, container: Container, words: tuple[str, ...], stdio: tuple[int, int, int], term: bool) -> str:
    """Start a command; the program's name. OSError if it can't be started."""
    from meshctl.sandbox.kubelet import environment, images, launch

    image = container.image or images.Image()
    found = container.variables or environment.variables(
        pod.current, container.spec, pod.objects.get, pod.objects.all("services"), pod.node.capacity
    )
    words = image.resolve(words)
    variables = launch.environment(pod.spec, image, {**pod.hints(image), **found}, words)
    made = program(pod, container, words, {**variables, **({"TERM": "xterm"} if term else {})})

    def spawn() -> None:
        with Control(Paths(pod.runtime.folder)) as control:
            control.spawn(made, stdio)

    try:
        await asyncio.to_thread(spawn)
    except SandboxError as error:
        raise OSError(str(error)) from None
    return made.name


async def execute(pod: Pod, container: Container, words: tuple[str, ...]) -> tuple[int, str]:
    """Run a short command to its end: its status and what it printed."""
    nothing, output = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), memory("")
    try:
        name = await start(pod, container, words, (nothing, output, output), term=False)
        try:
            found = await pod.runtime.finished(name)
        finally:
            await pod.runtime.stop(name)
        return int(found.get("status") or 0), os.pread(output, OUTPUT_LIMIT, 0).decode(errors="replace")
    finally:
        os.close(nothing)
        os.close(output)
