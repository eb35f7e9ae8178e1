"""Building a sandbox, or bringing the one there is to what the topology says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Interface

from meshctl.errors import UsageError
from meshctl.sandbox import delete, paths, preflight, running, ssh_keys, wire
from meshctl.sandbox.control import Control, SandboxError
from meshctl.sandbox.enter import PACKAGE
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Fabric, Host, Message
from meshctl.topology import Topology

START_SECONDS = 20.0
ANSWER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of the hosts that were, or would be, created, removed and mended."""

    created: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.removed or self.mended)

    def lines(self) -> tuple[str, ...]:
        """One line for each host."""
        return (
            *(f"remove host {name}" for name in self.removed),
            *(f"create host {name}" for name in self.created),
            *(f"mend host {name}" for name in self.mended),
        )


def create(topology: Topology, name: str, report: Callable[[Message], None] = lambda _: None) -> Changes:
    """Make sure that exactly the topology's hosts run and answer SSH.

    Goes on from any state that a killed command left. `report` gets {"host": name, "state": "booted" | "ready"}.
    UsageError if the machine can't do it, SandboxError if a host does not come up. The caller holds `state.lock`.
    """
    where = paths.of(name)
    try:
        _start_or_find(where, topology)
    except OSError as error:
        raise UsageError(f"{where.folder} can't be written: {error}; make room or set XDG_STATE_HOME") from None
    with Control(where) as control:
        return _changes(control.apply(fabric(topology), report))


def _start_or_find(where: Paths, topology: Topology) -> None:
    if _answers(where):
        ssh_keys.ensure(where, addresses(topology), PACKAGE)
    else:
        with _start(where) as supervisor:
            ssh_keys.ensure(where, addresses(topology), PACKAGE)
            _await(supervisor, where)


def compare(topology: Topology, name: str) -> Changes:
    """What `create` would change; nothing is changed."""
    where = paths.of(name)
    try:
        with Control(where, ANSWER_SECONDS) as control:
            return _changes(control.compare(fabric(topology)))
    except (UsageError, SandboxError):
        return Changes(created=tuple(addresses(topology)))


def fabric(topology: Topology) -> Fabric:
    """The topology's hosts, and the fabric's own address: the first that nobody has."""
    taken = {node.address for _, node in topology.nodes}
    taken |= {address for cluster in topology.clusters for address in cluster.gateway_addresses}
    own = next(address for address in topology.node_network.hosts() if address not in taken)
    hosts = tuple(Host(node.name, str(node.address)) for _, node in topology.nodes)
    return Fabric(str(IPv4Interface((own, topology.node_network.prefixlen))), hosts)


def addresses(topology: Topology) -> dict[str, str]:
    """Address of each node by name."""
    return {node.name: str(node.address) for _, node in topology.nodes}


def _answers(where: Paths) -> bool:
    """Whether a supervisor is up and well; one that is not gets out of the way."""
    try:
        with Control(where, ANSWER_SECONDS) as control:
            version = control.status()["version"]
    except (UsageError, SandboxError):
        delete.kill(where)
        return False
    if version != wire.VERSION:
        name = where.folder.name
        raise UsageError(f"{name} was built by another version of meshctl; run `meshctl down`, then `meshctl up`")
    return True


def _start(where: Paths) -> subprocess.Popen[bytes]:
    preflight.require()
    where.make()
    log = os.open(where.logs / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", running.MODULE, str(where.folder)],
            env={"PYTHONPATH": str(PACKAGE), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def _await(supervisor: subprocess.Popen[bytes], where: Paths) -> None:
    """The launcher ends at once; its child speaks when it serves."""
    try:
        words = supervisor.communicate(timeout=START_SECONDS)[0].decode(errors="replace").strip()
    except subprocess.TimeoutExpired:
        words = f"no answer after {START_SECONDS:.0f} s"
    if words != "ready":
        delete.kill(where)
        log = where.logs / "supervisor.log"
        reason = words or log.read_text().strip().rpartition("\n")[2] or "no reason given"
        raise SandboxError(f"the sandbox {where.folder.name} could not be started: {reason}; see {log}")


def _changes(answer: Message) -> Changes:
    return Changes(tuple(answer["created"]), tuple(answer["removed"]), tuple(answer["mended"]))
