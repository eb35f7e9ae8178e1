"""Hosts of the embedded sandbox: namespaces of this machine, reached through the sandbox's own network."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meshctl.kube.access import Access
from meshctl.providers.provider import HostData
from meshctl.sandbox import control, create, delete, enter, entrance, paths, running
from meshctl.sandbox.clusters import create as clusters
from meshctl.sandbox.wire import Program
from meshctl.topology import Node, Topology


@dataclass(frozen=True, slots=True)
class SandboxProvider:
    """The sandbox that carries the topology's name."""

    topology: Topology
    name: str = "sandbox"

    def exists(self) -> bool:
        """Whether anything of it is there."""
        return delete.exists(self.topology.name)

    def create(self) -> tuple[str, ...]:
        """Make or mend the hosts."""
        return create.create(self.topology, self.topology.name).lines()

    def pending(self) -> tuple[str, ...]:
        """What `create` would do."""
        return create.compare(self.topology, self.topology.name).lines()

    def serve(self) -> tuple[str, ...]:
        """Start or mend each cluster's API server and controllers."""
        return clusters.create(self.topology, self.topology.name)

    def unserved(self) -> tuple[str, ...]:
        """What `serve` would do."""
        return clusters.pending(self.topology, self.topology.name)

    def kubernetes(self) -> Mapping[str, Access]:
        """The administrator's certificates."""
        return clusters.access(self.topology, self.topology.name)

    def forwarded(self) -> Mapping[str, Access]:
        """By way of ports of 127.0.0.1."""
        return clusters.forwarded(self.topology, self.topology.name)

    def reach(self, address: str, port: int) -> tuple[str, int]:
        """By way of a port of 127.0.0.1."""
        with control.connect(self.topology.name) as sandbox:
            return "127.0.0.1", sandbox.forward(address, port)

    def entrance(self, address: str, port: int) -> tuple[str, int]:
        """By way of a port of 127.0.0.1 that is easily remembered."""
        with control.connect(self.topology.name) as sandbox:
            return "127.0.0.1", entrance.lead(sandbox, address, port)

    def delete(self) -> tuple[str, ...]:
        """Leave nothing of it."""
        return (f"- sandbox {self.topology.name}",) if delete.delete(self.topology.name) else ()

    def access(self) -> Mapping[str, HostData]:
        """The sandbox's own keys; its known_hosts names every host."""
        files = paths.of(self.topology.name)
        shared = {
            "ssh_user": "root",
            "ssh_key": str(files.user_key),
            "ssh_known_hosts_file": str(files.known_hosts),
            "ssh_strict_host_key_checking": "yes",
        }
        return {node.name: {"ssh_hostname": str(node.address), **shared} for _, node in self.topology.nodes}

    def prefix(self) -> tuple[str, ...]:
        """Enter the fabric's network first; UsageError if there is none."""
        with running.supervisor(paths.of(self.topology.name).folder):
            return enter.command(self.topology.name)

    def shell(self, node: Node) -> tuple[str, ...]:
        """OpenSSH by way of the fabric."""
        return enter.shell(self.topology.name, node.name)

    def execute(self, node: Node, argv: Sequence[str], text: str = "") -> str:
        """By way of the supervisor, whatever has become of the node's network and disk."""
        with control.connect(self.topology.name) as sandbox:
            return sandbox.run(argv, text, node.name)

    def start_delay(self, node: Node, device: str, seconds: float) -> None:
        """A program of the sandbox."""
        argv = (sys.executable, "-P", "-m", "meshctl.sandbox.delay", device, str(seconds))
        environment = {"PYTHONPATH": str(enter.PACKAGE), "LC_ALL": "C.UTF-8"}
        with control.connect(self.topology.name) as sandbox:
            sandbox.spawn(Program(_delay(node, device), argv, node.name, root="fabric", environment=environment))

    def stop_delay(self, node: Node, device: str) -> None:
        """Stop the program."""
        with control.connect(self.topology.name) as sandbox:
            sandbox.stop(_delay(node, device))


def _delay(node: Node, device: str) -> str:
    return f"meshctl-outage-{node.name}-{device}"
