"""Hosts that exist and are reached over SSH; they are prepared and cleaned, never made or deleted."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshctl.errors import UsageError
from meshctl.kube.access import Access
from meshctl.providers.provider import HostData
from meshctl.topology import Node, Ssh, Topology

BATCH = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
AS_ROOT = 'PATH=$PATH:/usr/sbin:/sbin; [ "$(id -u)" = 0 ] && exec "$@"; exec sudo -n "$@"'


@dataclass(frozen=True, slots=True)
class SshProvider:
    """The hosts of a topology as its `provider.ssh` and each node's `ssh` describe them."""

    topology: Topology
    name: str = "ssh"

    def exists(self) -> bool:
        """They do, as far as the topology says."""
        return True

    def create(self) -> tuple[str, ...]:
        """Nothing to make."""
        return ()

    def pending(self) -> tuple[str, ...]:
        """Nothing to make."""
        return ()

    def serve(self) -> tuple[str, ...]:
        """Kubernetes runs there already."""
        return ()

    def unserved(self) -> tuple[str, ...]:
        """Kubernetes runs there already."""
        return ()

    def kubernetes(self) -> Mapping[str, Access]:
        """No credentials are known."""
        return {}

    def forwarded(self) -> Mapping[str, Access]:
        """No credentials are known."""
        return {}

    def reach(self, address: str, port: int) -> tuple[str, int]:
        """It is reached from here as from the hosts."""
        return address, port

    def entrance(self, address: str, port: int) -> tuple[str, int]:
        """It is reached from here."""
        return address, port

    def delete(self) -> tuple[str, ...]:
        """Nothing to delete."""
        return ()

    def access(self) -> Mapping[str, HostData]:
        """pyinfra's `ssh_*` keys; host keys are always checked strictly."""
        return {node.name: _access(node, node.ssh.over(self.topology.ssh)) for _, node in self.topology.nodes}

    def prefix(self) -> tuple[str, ...]:
        """The hosts are reached from here."""
        return ()

    def shell(self, node: Node) -> tuple[str, ...]:
        """OpenSSH with the same settings."""
        ssh = node.ssh.over(self.topology.ssh)
        options = ["-o", "StrictHostKeyChecking=yes"]
        if ssh.key_file:
            options += ["-i", str(Path(ssh.key_file).expanduser())]
        if ssh.known_hosts_file:
            options += ["-o", f"UserKnownHostsFile={Path(ssh.known_hosts_file).expanduser()}"]
        if ssh.port:
            options += ["-p", str(ssh.port)]
        if ssh.user:
            options += ["-l", ssh.user]
        return ("ssh", *options, ssh.host or str(node.address))

    def execute(self, node: Node, argv: Sequence[str], text: str = "") -> str:
        """By OpenSSH, with sudo where the user is not root."""
        *command, host = self.shell(node)
        words = [*command, *BATCH, host, shlex.join(["sh", "-c", AS_ROOT, "sh", *argv])]
        ended = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip()
            raise UsageError(f"{node.name}: `{argv[0]}` failed with status {ended.returncode}: {said}")
        return ended.stdout

    def start_delay(self, node: Node, device: str, seconds: float) -> None:  # noqa: ARG002 # the protocol's
        """Real hosts have netem, or can get it."""
        raise UsageError(
            f"{node.name}: its kernel has no netem, which delays packets; "
            "install linux-modules-extra-$(uname -r) there, or fail without --delay"
        )

    def stop_delay(self, node: Node, device: str) -> None:
        """There is none."""


def _access(node: Node, ssh: Ssh) -> HostData:
    data: HostData = {
        "ssh_hostname": ssh.host or str(node.address),
        "ssh_strict_host_key_checking": "yes",
    }
    if ssh.port:
        data["ssh_port"] = ssh.port
    if ssh.user:
        data["ssh_user"] = ssh.user
    if ssh.key_file:
        data["ssh_key"] = str(Path(ssh.key_file).expanduser())
    if ssh.known_hosts_file:
        data["ssh_known_hosts_file"] = str(Path(ssh.known_hosts_file).expanduser())
    if ssh.user and ssh.user != "root":
        data["_sudo"] = True
    return data
