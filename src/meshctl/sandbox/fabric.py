"""The live fabric: hosts brought to what is wanted and kept there, programs and pods in them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from meshctl.sandbox import host, network, pods, sshd, usage
from meshctl.sandbox.children import ChildFailed, Children
from meshctl.sandbox.host import Ground, Machine
from meshctl.sandbox.pods import Namespaces
from meshctl.sandbox.programs import Place, Running
from meshctl.sandbox.wire import Fabric, Host, Message, Pod, Program

Watcher = Callable[[Message], None]

READY_SECONDS = 20.0
POLL_SECONDS = 0.01
LIVES = 3
DYING_SECONDS = 0.2
REBOOT_SECONDS = 0.5
REBOOT_SECONDS_LIMIT = 10.0


class LiveFabric:
    """Everything that lives under the supervisor."""

    def __init__(self, crew: Children, ground: Ground) -> None:
        self.wanted: Fabric | None = None
        self.machines: dict[str, Machine] = {}
        self.programs: dict[str, Running] = {}
        self.pods: dict[str, Namespaces] = {}
        self.watchers: set[Watcher] = set()
        self._crew = crew
        self._ground = ground
        self._plugged: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._building = asyncio.Lock()

    async def apply(self, wanted: Fabric) -> Message:
        """Make the hosts what is wanted; which were `created`, `removed`, `mended`; ChildFailed names what failed."""
        async with self._building:
            before = set(self.machines)
            await self._lay_bridge(wanted)
            removed = await self._remove(self._unwanted(wanted))
            old, self.wanted = self.wanted, wanted
            broken = self._broken(wanted)
            await self._raise(wanted.hosts)
            if old and network_names(old) != network_names(wanted):
                stale = [machine for name, machine in self.machines.items() if name in before]
                await _all(host.rewrite_hosts(self._crew, wanted, machine) for machine in stale)
            created = sorted(set(self.machines) - before | set(removed) & set(self.machines))
            return {
                "created": created,
                "removed": sorted(set(removed) - set(created)),
                "mended": sorted(broken - set(created)),
            }

    def compare(self, wanted: Fabric) -> Message:
        """What `apply` would do; nothing is changed."""
        names = {one.name for one in wanted.hosts}
        gone = set(self._unwanted(wanted))
        created = sorted(name for name in names if name not in self.machines or name in gone)
        return {"created": created, "removed": sorted(gone - names), "mended": sorted(self._broken(wanted) - gone)}

    def describe(self) -> Message:
        """What `status` says."""
        hosts = {
            name: {"address": machine.host.address, "pid": machine.pid, "ready": self._is_ready(machine)}
            for name, machine in self.machines.items()
        }
        return {
            "hosts": hosts,
            "wanted": [one.name for one in self.wanted.hosts] if self.wanted else [],
            "programs": [running.describe() for running in self.programs.values()],
            "pods": {name: made.pod.address for name, made in self.pods.items()},
        }

    def stats(self) -> Message:
        """Processes, resident KiB and CPU seconds of each program by its session."""
        sessions = usage.by_session()
        return {
            name: sessions[running.pid]
            for name, running in self.programs.items()
            if running.pid is not None and running.pid in sessions
        }

    async def spawn(self, program: Program, stdio: Sequence[int] = ()) -> Message:
        """Make sure that a program runs as described: started if it doesn't, replaced if it is another."""
        running = self.programs.get(program.name)
        if running and running.program == program and not running.ended and not stdio:
            return {**running.describe(), "changed": False}
        if running:
            await self._forget(program.name)
        self._place(program)
        running = self.programs[program.name] = Running(program, self._crew, self._place, self._notify)
        running.start(stdio)
        return {**running.describe(), "changed": True}

    async def stop(self, name: str) -> Message:
        """Stop a program for good and forget it; nothing to do if there is none."""
        known = name in self.programs
        await self._forget(name)
        return {"changed": known}

    def signal(self, name: str, number: int) -> Message:
        """Send a program a signal; KeyError if there is none."""
        self.programs[name].signal(number)
        return {}

    async def add_pod(self, pod: Pod) -> Message:
        """Make sure that a pod's namespaces exist as described."""
        made = self.pods.get(pod.name)
        if made and made.pod == pod:
            return {"changed": False}
        if made:
            await self.remove_pod(pod.name)
        machine = self._machine(pod.node)
        self.pods[pod.name] = await pods.create(self._crew, machine, pod)
        return {"changed": True}

    async def remove_pod(self, name: str) -> Message:
        """Stop what runs in a pod and take it away; nothing to do if there is none."""
        made = self.pods.pop(name, None)
        inside = [one.program.name for one in self.programs.values() if one.program.pod == name]
        await asyncio.gather(*(self._forget(one) for one in inside))
        if made:
            with contextlib.suppress(ChildFailed):
                await pods.unplug(self._crew, self._machine(made.pod.node), made.pod)
            made.close()
        return {"changed": made is not None}

    async def _lay_bridge(self, wanted: Fabric) -> None:
        if self.wanted is None:
            with contextlib.suppress(ChildFailed):
                await self._crew.run(["ip", "link", "delete", network.BRIDGE])
            await self._crew.run(["ip", "-batch", "-"], network.fabric(wanted))
        elif self.wanted.address != wanted.address:
            await self._crew.run(["ip", "addr", "flush", "dev", network.BRIDGE])
            await self._crew.run(["ip", "addr", "add", wanted.address, "dev", network.BRIDGE])

    def _unwanted(self, wanted: Fabric) -> list[str]:
        """Hosts that are not asked for any more, or whose address or network is another one now."""
        hosts = {one.name: one for one in wanted.hosts}
        moved = self.wanted is not None and network.subnet(self.wanted) != network.subnet(wanted)
        return [name for name, machine in self.machines.items() if moved or hosts.get(name) != machine.host]

    def _broken(self, wanted: Fabric) -> set[str]:
        names = {one.name for one in wanted.hosts}
        return {name for name, machine in self.machines.items() if name in names and not self._is_ready(machine)}

    def _is_ready(self, machine: Machine) -> bool:
        return host.has_address(machine) and sshd.listens(machine.pid)

    async def _remove(self, names: Iterable[str]) -> list[str]:
        """Take hosts away with everything on them, their disks included."""
        gone = [self.machines.pop(name) for name in list(names)]
        await asyncio.gather(*(self._remove_one(machine) for machine in gone))
        return [machine.host.name for machine in gone]

    async def _remove_one(self, machine: Machine) -> None:
        name = machine.host.name
        for pod in [made.pod.name for made in self.pods.values() if made.pod.node == name]:
            self.pods.pop(pod).close()
        inside = [one.program.name for one in self.programs.values() if one.program.node == name]
        await machine.kill()
        await asyncio.gather(*(self._forget(one) for one in inside))
        await self._unplug(machine)
        machine.close()
        host.discard(self._ground.paths, name)

    async def _raise(self, wanted: Iterable[Host]) -> None:
        """Bring hosts up from whatever state they are in; ChildFailed lists all that could not be."""
        wanted = tuple(wanted)
        for life in range(LIVES):
            try:
                await self._raise_once(wanted)
                return
            except ChildFailed:
                # One that was dying when we looked gets another try, now that it is dead.
                await asyncio.sleep(DYING_SECONDS)
                if life == LIVES - 1 or not self._dead(wanted):
                    raise

    async def _raise_once(self, wanted: tuple[Host, ...]) -> None:
        await asyncio.gather(*(self._bury(machine) for machine in self._dead(wanted)))
        await _all(self._boot(one) for one in wanted if one.name not in self.machines)
        machines = [self.machines[one.name] for one in wanted]
        if unplugged := [machine for machine in machines if machine.pid not in self._plugged]:
            await self._crew.run(["ip", "-batch", "-"], network.cables((one.host, one.pid) for one in unplugged))
            self._plugged |= {machine.pid for machine in unplugged}
        await _all(self._finish(machine) for machine in machines)

    def _dead(self, wanted: Iterable[Host]) -> list[Machine]:
        there = [self.machines[one.name] for one in wanted if one.name in self.machines]
        return [machine for machine in there if machine.exit.done()]

    async def _boot(self, one: Host) -> None:
        assert self.wanted is not None  # noqa: S101 # set by `apply`, the only way here
        with _named(one.name):
            machine = self.machines[one.name] = await host.boot(self._crew, self._ground, self.wanted, one)
        self._notify({"host": one.name, "state": "booted"})
        self._keep(self._stand_by(machine))

    async def _finish(self, machine: Machine) -> None:
        assert self.wanted is not None  # noqa: S101 # as above
        name = machine.host.name
        with _named(name):
            if not host.has_address(machine):
                await host.connect(self._crew, self.wanted, machine)
            await self.spawn(sshd.program(self._ground.paths, machine.host))
            for running in self.programs.values():
                if running.program.node == name:
                    running.hurry()
            await self._until_ready(machine)
            if machine.exit.done():
                raise ChildFailed("its first process was killed")
        self._notify({"host": name, "state": "ready"})

    async def _until_ready(self, machine: Machine) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not self._is_ready(machine) and not machine.exit.done():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            daemon = self.programs[f"{machine.host.name}/sshd"]
            log = daemon.program.log
            raise ChildFailed(
                f"sshd does not listen after {READY_SECONDS:.0f} s ({daemon.reason}); see {log}"
            ) from None

    async def _stand_by(self, machine: Machine) -> None:
        """Boot a host again whose first process ended unasked; its disk is as it was."""
        await machine.exit
        pause = REBOOT_SECONDS
        while self._misses(machine):
            self._notify({"host": machine.host.name, "state": "died"})
            await asyncio.sleep(pause)
            pause = min(pause * 2, REBOOT_SECONDS_LIMIT)
            async with self._building:
                if self._misses(machine):
                    with contextlib.suppress(ChildFailed):
                        await self._raise([machine.host])

    def _misses(self, machine: Machine) -> bool:
        """Whether a host is wanted as this machine was, and has no other."""
        wanted = self.wanted is not None and machine.host in self.wanted.hosts
        return wanted and self.machines.get(machine.host.name) in (machine, None)

    async def _bury(self, machine: Machine) -> None:
        del self.machines[machine.host.name]
        for pod in [made.pod.name for made in self.pods.values() if made.pod.node == machine.host.name]:
            self.pods.pop(pod).close()
        await self._unplug(machine)
        machine.close()

    async def _unplug(self, machine: Machine) -> None:
        """Now: the kernel takes its time to remove the interfaces of a dead namespace, and the name is needed."""
        self._plugged.discard(machine.pid)
        with contextlib.suppress(ChildFailed):
            await self._crew.run(["ip", "link", "delete", network.port(machine.host)])

    async def _forget(self, name: str) -> None:
        if running := self.programs.pop(name, None):
            await running.stop()

    def _machine(self, name: str) -> Machine:
        if name not in self.machines:
            raise ChildFailed(f"host {name} is not up; hosts are {', '.join(sorted(self.machines)) or 'none'}")
        return self.machines[name]

    def _place(self, program: Program) -> Place:
        if not program.node:
            return Place(None, lambda: None)
        machine = self._machine(program.node)
        if program.pod and program.pod not in self.pods:
            raise ChildFailed(f"pod {program.pod} of {program.name} has no namespaces; add it first")
        inside = self.pods[program.pod].enter if program.pod else lambda: None

        def enter() -> None:
            machine.enter(root=program.root == "node")
            inside()

        return Place(machine.pidfd, enter)

    def _notify(self, event: Message) -> None:
        for watcher in tuple(self.watchers):
            watcher(event)

    def _keep(self, work: Any) -> None:
        """Run in the background; asyncio holds tasks only weakly."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def network_names(wanted: Fabric) -> set[tuple[str, str]]:
    """Names and addresses as /etc/hosts lists them."""
    return {(one.name, one.address) for one in wanted.hosts}


@contextlib.contextmanager
def _named(name: str) -> Any:
    try:
        yield
    except (ChildFailed, OSError) as error:
        raise ChildFailed(f"{name}: {error}") from error


async def _all(work: Iterable[Any]) -> None:
    """Do it all at a time; ChildFailed with every failure, when the rest is done."""
    results = await asyncio.gather(*work, return_exceptions=True)
    failures = [one for one in results if isinstance(one, BaseException)]
    for one in failures:
        if not isinstance(one, (ChildFailed, OSError)):
            raise one
    if failures:
        raise ChildFailed("\n".join(map(str, failures)))
