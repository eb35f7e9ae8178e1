"""Pods' namespaces: held open by the supervisor, wired to their node, empty until a program is put in."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from meshctl.sandbox import children, host, kernel, network
from meshctl.sandbox.children import Children
from meshctl.sandbox.host import Machine
from meshctl.sandbox.wire import Message, Pod


class Namespaces:
    """A pod's network and UTS namespace, alive as long as this holds their files."""

    def __init__(self, pod: Pod, net: int, uts: int) -> None:
        self.pod = pod
        self._net = net
        self._uts = uts

    def enter(self) -> None:
        """Move the calling child in; its pid and mount namespace stay as they are."""
        kernel.setns(self._net, kernel.CLONE_NEWNET)
        kernel.setns(self._uts, kernel.CLONE_NEWUTS)

    def describe(self) -> Message:
        """What `status` says about it."""
        return {"node": self.pod.node, "address": self.pod.address}

    def kill_all(self) -> None:
        """End every process in the pod's network, also those that left their program's session."""
        inode = os.fstat(self._net).st_ino
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if (process / "ns/net").stat().st_ino == inode:
                    os.kill(int(process.name), signal.SIGKILL)

    @property
    def net(self) -> int:
        """The network namespace's file."""
        return self._net

    def close(self) -> None:
        """Let go: the kernel removes the namespaces and the veth pair once no process is left inside."""
        os.close(self._net)
        os.close(self._uts)


async def create(crew: Children, machine: Machine, pod: Pod) -> Namespaces:
    """Make a pod's namespaces and connect them to its node; ChildFailed if that can't be done."""
    made = await _namespaces(crew, machine, pod)
    try:
        await _plug(crew, machine, made)
    except BaseException:
        made.close()
        raise
    return made


async def unplug(crew: Children, machine: Machine, pod: Pod) -> None:
    """Take away the pod's veth pair now, whatever still runs in it."""
    command = ["ip", "link", "delete", network.pod_port(pod)]
    await crew.run(command, enter=lambda: machine.enter(root=False))


async def _namespaces(crew: Children, machine: Machine, pod: Pod) -> Namespaces:
    """Born in a child that stays until they are held: it waits for the end of its standard input."""
    reader, writer = os.pipe2(os.O_CLOEXEC)

    def become() -> None:
        os.dup2(reader, 0)
        machine.enter(root=False)
        kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS)
        kernel.set_hostname(pod.hostname or pod.name)
        host.set_sysctls(host.SYSCTLS)
        children.execute(["cat"], {})

    try:
        child = crew.fork(become)
        await child.started()
        net, uts = (os.open(f"/proc/{child.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "uts"))
    finally:
        os.close(reader)
        os.close(writer)
    await child.exit
    return Namespaces(pod, net, uts)


async def _plug(crew: Children, machine: Machine, made: Namespaces) -> None:
    inherited = os.dup(made.net)
    try:
        await crew.run(
            ["ip", "-batch", "-"],
            network.pod_cable(made.pod, inherited),
            lambda: _enter_with(machine, inherited),
        )
    finally:
        os.close(inherited)
    await crew.run(["ip", "-batch", "-"], network.pod(made.pod), made.enter)


def _enter_with(machine: Machine, descriptor: int) -> None:
    os.set_inheritable(descriptor, True)
    machine.enter(root=False)
