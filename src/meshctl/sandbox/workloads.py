"""What runs on the hosts: programs, and the pods that some of them are in."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence

from meshctl.sandbox import kernel, pods, usage
from meshctl.sandbox.children import ChildFailed, Children
from meshctl.sandbox.events import Events
from meshctl.sandbox.host import Machine
from meshctl.sandbox.pods import Namespaces
from meshctl.sandbox.programs import Place, Running
from meshctl.sandbox.turns import Turns
from meshctl.sandbox.wire import Message, Pod, Program


class Workloads:
    """Programs and pods by name; `machines` are the hosts of the moment."""

    def __init__(self, crew: Children, machines: Mapping[str, Machine], events: Events) -> None:
        self._crew = crew
        self._machines = machines
        self._events = events
        self._programs: dict[str, Running] = {}
        self._pods: dict[str, Namespaces] = {}
        self._turns = Turns()

    def describe(self) -> Message:
        """`programs` and `pods` as `status` tells them."""
        programs = [running.describe() for running in self._programs.values()]
        return {"programs": programs, "pods": {name: made.describe() for name, made in self._pods.items()}}

    def stats(self) -> Message:
        """Processes, resident KiB and CPU seconds of each program by its session."""
        sessions = usage.by_session()
        pids = {name: running.pid for name, running in self._programs.items()}
        return {name: sessions[pid] for name, pid in pids.items() if pid in sessions}

    def pid(self, name: str) -> int | None:
        """A program's process, if it has one."""
        return self._programs[name].pid if name in self._programs else None

    def reason(self, name: str) -> str:
        """Why a program last ended, or could not start."""
        return self._programs[name].reason if name in self._programs else "it was never started"

    async def spawn(self, program: Program, stdio: Sequence[int] = ()) -> Message:
        """Make sure that a program runs as described: started if it doesn't, replaced if it is another."""
        async with self._turns.of(program.name):
            running = self._programs.get(program.name)
            if running and running.program == program and not running.ended and not stdio:
                return {**running.describe(), "changed": False}
            self._place(program)
            await self._forget(program.name)
            running = self._programs[program.name] = Running(program, self._crew, self._place, self._events.tell)
            running.start(stdio)
            return {**running.describe(), "changed": True}

    async def stop(self, name: str) -> Message:
        """Stop a program for good and forget it; nothing to do if there is none."""
        async with self._turns.of(name):
            known = name in self._programs
            await self._forget(name)
            return {"changed": known}

    def signal(self, name: str, number: int) -> Message:
        """Send a program a signal."""
        if name not in self._programs:
            raise ChildFailed(f"program {name} is unknown; start it first")
        self._programs[name].signal(number)
        return {}

    async def run(self, program: Program, text: str) -> Message:
        """Run a short command to its end: what it printed. It gets no environment and is never started again."""
        return {"output": await self._crew.run(program.argv, text, self._place(program).enter)}

    def hurry(self, node: str) -> None:
        """Start a node's programs now that it is up, whatever their back-off."""
        for running in self._programs.values():
            if running.program.node == node:
                running.hurry()

    async def add_pod(self, pod: Pod) -> Message:
        """Make sure that a pod's namespaces exist as described."""
        async with self._turns.of(f"pod {pod.name}"):
            made = self._pods.get(pod.name)
            if made and made.pod == pod:
                return {"changed": False}
            if made:
                await self._drop(made)
            self._pods[pod.name] = await pods.create(self._crew, self._machine(pod.node), pod)
            return {"changed": True}

    async def remove_pod(self, name: str) -> Message:
        """Stop what runs in a pod and take it away; nothing to do if there is none."""
        async with self._turns.of(f"pod {name}"):
            made = self._pods.get(name)
            if made:
                await self._drop(made)
            return {"changed": made is not None}

    def lose_pods(self, node: str) -> None:
        """Let go of the pods of a dead node."""
        for made in [made for made in self._pods.values() if made.pod.node == node]:
            del self._pods[made.pod.name]
            made.close()
            self._events.tell({"pod": made.pod.name, "state": "lost"})

    async def lose_programs(self, node: str) -> None:
        """Forget the programs of a node that is gone for good."""
        names = [name for name, running in self._programs.items() if running.program.node == node]
        await asyncio.gather(*(self.stop(name) for name in names))

    async def _drop(self, made: Namespaces) -> None:
        names = [name for name, running in self._programs.items() if running.program.pod == made.pod.name]
        await asyncio.gather(*(self.stop(name) for name in names))
        # A host that has died meanwhile has taken it along.
        if self._pods.get(made.pod.name) is not made:
            return
        del self._pods[made.pod.name]
        made.kill_all()
        with contextlib.suppress(ChildFailed):
            await pods.unplug(self._crew, self._machine(made.pod.node), made.pod)
        made.close()

    async def _forget(self, name: str) -> None:
        if running := self._programs.pop(name, None):
            await running.stop()

    def _files_of(self, name: str) -> int:
        pid = self.pid(name)
        if pid is None:
            raise ChildFailed(f"program {name} does not run: {self.reason(name)}")
        return pid

    def _machine(self, name: str) -> Machine:
        if name not in self._machines:
            raise ChildFailed(f"host {name} is not up; hosts are {', '.join(sorted(self._machines)) or 'none'}")
        return self._machines[name]

    def _place(self, program: Program) -> Place:
        if not program.node:
            return Place(None, lambda: None)
        machine = self._machine(program.node)
        pod = self._pods.get(program.pod)
        if program.pod and not (pod and pod.pod.node == program.node):
            raise ChildFailed(f"pod {program.pod} of {program.name} is not on host {program.node}; add it first")

        files = self._files_of(program.beside) if program.beside else None

        def enter() -> None:
            machine.enter(root=program.root == "node" and files is None)
            if pod:
                pod.enter()
            if files is not None:
                kernel.setns(os.pidfd_open(files), kernel.CLONE_NEWNS)

        return Place(machine.pidfd, enter)
