"""The hosts: brought to what is wanted, and kept there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any

from meshctl.sandbox import host, network, sshd
from meshctl.sandbox.children import ChildFailed, Children
from meshctl.sandbox.events import Events
from meshctl.sandbox.host import Ground, Machine
from meshctl.sandbox.wire import Fabric, Host, Message
from meshctl.sandbox.workloads import Workloads

READY_SECONDS = 20.0
POLL_SECONDS = 0.01
LIVES = 3
DYING_SECONDS = 0.2
REBOOT_SECONDS = 0.5
REBOOT_SECONDS_LIMIT = 10.0


class Fleet:
    """All hosts of a sandbox and the bridge between them; `machines` is kept up to date for others to read."""

    def __init__(
        self, crew: Children, ground: Ground, machines: dict[str, Machine], workloads: Workloads, events: Events
    ) -> None:
        self._crew = crew
        self._ground = ground
        self._machines = machines
        self._workloads = workloads
        self._events = events
        self._wanted: Fabric | None = None
        self._plugged: set[int] = set()
        self._listeners: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._building = asyncio.Lock()

    async def apply(self, wanted: Fabric) -> Message:
        """Make the hosts what is wanted; which were `created`, `removed`, `mended`.

        ChildFailed lists those that could not be; the others are up nevertheless.
        """
        async with self._building:
            changes = self.compare(wanted)
            stay = {name: machine for name, machine in self._machines.items() if name not in self._unwanted(wanted)}
            gone = [machine for name, machine in self._machines.items() if name not in stay]
            await self._lay_bridge(wanted)
            old, self._wanted = self._wanted, wanted
            await asyncio.gather(*(self._remove(machine) for machine in gone))
            await self._raise(wanted, wanted.hosts)
            if old and set(old.hosts) != set(wanted.hosts):
                await _all([host.rewrite_hosts(self._crew, wanted, machine) for machine in stay.values()])
            return changes

    def compare(self, wanted: Fabric) -> Message:
        """What `apply` would do; nothing is changed."""
        names = {one.name for one in wanted.hosts}
        gone = self._unwanted(wanted)
        stay = set(self._machines) - gone
        return {
            "created": sorted(names - stay),
            "removed": sorted(gone - names),
            "mended": sorted(name for name in stay if not self._is_ready(self._machines[name])),
        }

    def describe(self) -> Message:
        """`hosts` and the names `wanted`, as `status` tells them."""
        hosts = {
            name: {"address": machine.host.address, "pid": machine.pid, "ready": self._is_ready(machine)}
            for name, machine in self._machines.items()
        }
        return {"hosts": hosts, "wanted": [one.name for one in self._wanted.hosts] if self._wanted else []}

    async def _lay_bridge(self, wanted: Fabric) -> None:
        if self._wanted and self._wanted.address == wanted.address:
            return
        if not self._wanted:
            with contextlib.suppress(ChildFailed):
                await self._crew.run(["ip", "link", "delete", network.BRIDGE])
            await self._crew.run(["ip", "-batch", "-"], network.fabric(wanted))
        else:
            await self._crew.run(["ip", "-batch", "-"], network.readdress(wanted))

    def _unwanted(self, wanted: Fabric) -> set[str]:
        """Hosts that are not asked for any more, or whose address or network is another one now."""
        hosts = {one.name: one for one in wanted.hosts}
        moved = self._wanted is not None and network.subnet(self._wanted) != network.subnet(wanted)
        return {name for name, machine in self._machines.items() if moved or hosts.get(name) != machine.host}

    def _is_ready(self, machine: Machine) -> bool:
        return host.has_address(machine) and self._listens(machine)

    def _listens(self, machine: Machine) -> bool:
        """Whether the host's sshd serves; asked of the kernel once for each of its lives."""
        name = machine.host.name
        pid = self._workloads.pid(sshd.program(self._ground.paths, machine.host).name)
        if pid is not None and self._listeners.get(name) != pid and sshd.listens(machine.pid):
            self._listeners[name] = pid
        return pid is not None and self._listeners.get(name) == pid

    async def _remove(self, machine: Machine) -> None:
        """Take a host away with everything on it, its disk included."""
        del self._machines[machine.host.name]
        await machine.kill()
        await self._workloads.lose_programs(machine.host.name)
        await self._let_go(machine)
        host.discard(self._ground.paths, machine.host.name)

    async def _raise(self, wanted: Fabric, hosts: Sequence[Host]) -> None:
        """Bring hosts up from whatever state they are in; ChildFailed lists all that could not be."""
        for life in range(LIVES):
            try:
                await self._raise_once(wanted, hosts)
                return
            except ChildFailed:
                # One that was dying when we looked gets another try, now that it is dead.
                await asyncio.sleep(DYING_SECONDS)
                if life == LIVES - 1 or not self._dead(hosts):
                    raise

    async def _raise_once(self, wanted: Fabric, hosts: Sequence[Host]) -> None:
        for machine in self._dead(hosts):
            del self._machines[machine.host.name]
            await self._let_go(machine)
        failures = await _failures([self._boot(wanted, one) for one in hosts if one.name not in self._machines])
        there = [self._machines[one.name] for one in hosts if one.name in self._machines]
        await self._plug([machine for machine in there if machine.pid not in self._plugged])
        failures += await _failures([self._finish(wanted, machine) for machine in there])
        _raise_all(failures)

    def _dead(self, hosts: Iterable[Host]) -> list[Machine]:
        there = [self._machines[one.name] for one in hosts if one.name in self._machines]
        return [machine for machine in there if machine.exit.done()]

    async def _boot(self, wanted: Fabric, one: Host) -> None:
        with _named(one.name):
            machine = self._machines[one.name] = await host.boot(self._crew, self._ground, wanted, one)
        self._events.tell({"host": one.name, "state": "booted"})
        task = asyncio.create_task(self._stand_by(machine))
        # asyncio itself holds tasks only weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _plug(self, machines: Sequence[Machine]) -> None:
        if machines:
            cables = network.cables((machine.host, machine.pid) for machine in machines)
            await self._crew.run(["ip", "-batch", "-"], cables)
            self._plugged |= {machine.pid for machine in machines}

    async def _finish(self, wanted: Fabric, machine: Machine) -> None:
        name = machine.host.name
        with _named(name):
            if not host.has_address(machine):
                await host.connect(self._crew, wanted, machine)
            await self._workloads.spawn(sshd.program(self._ground.paths, machine.host))
            self._workloads.hurry(name)
            await self._until_ready(machine)
        self._events.tell({"host": name, "state": "ready"})

    async def _until_ready(self, machine: Machine) -> None:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while not self._is_ready(machine):
            if machine.exit.done():
                raise ChildFailed("its first process was killed")
            if asyncio.get_running_loop().time() > deadline:
                program = sshd.program(self._ground.paths, machine.host)
                reason = self._workloads.reason(program.name) or "it runs"
                raise ChildFailed(f"sshd does not listen after {READY_SECONDS:.0f} s ({reason}); see {program.log}")
            await asyncio.sleep(POLL_SECONDS)

    async def _stand_by(self, machine: Machine) -> None:
        """Boot a host again whose first process ended unasked; its disk is as it was."""
        await machine.exit
        pause = REBOOT_SECONDS
        while self._missed(machine):
            self._events.tell({"host": machine.host.name, "state": "died"})
            await asyncio.sleep(pause)
            pause = min(pause * 2, REBOOT_SECONDS_LIMIT)
            async with self._building:
                if wanted := self._missed(machine):
                    with contextlib.suppress(ChildFailed):
                        await self._raise(wanted, [machine.host])

    def _missed(self, machine: Machine) -> Fabric | None:
        """What is wanted, if that is a host as this machine was and there is no other."""
        alone = self._machines.get(machine.host.name) in (machine, None)
        return self._wanted if alone and self._wanted and machine.host in self._wanted.hosts else None

    async def _let_go(self, machine: Machine) -> None:
        self._workloads.lose_pods(machine.host.name)
        self._plugged.discard(machine.pid)
        machine.close()
        # Now: the kernel takes its time to remove the interfaces of a dead namespace, and the name is needed.
        with contextlib.suppress(ChildFailed):
            await self._crew.run(["ip", "link", "delete", network.port(machine.host)])


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except (ChildFailed, OSError) as error:
        raise ChildFailed(f"{name}: {error}") from error


async def _failures(work: Iterable[Coroutine[Any, Any, None]]) -> list[ChildFailed]:
    """Do it all at a time, to the end; what failed."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for one in results:
        if isinstance(one, BaseException) and not isinstance(one, ChildFailed):
            raise one
    return [one for one in results if isinstance(one, ChildFailed)]


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    _raise_all(await _failures(work))


def _raise_all(failures: Sequence[ChildFailed]) -> None:
    if failures:
        raise ChildFailed("\n".join(map(str, failures)))
