"""The files of one sandbox: everything it leaves on the machine's disk is in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from meshctl import state


@dataclass(frozen=True, slots=True)
class Paths:
    """A sandbox's folder, `$XDG_STATE_HOME/meshctl/NAME`, and what lies in it."""

    folder: Path

    @property
    def control(self) -> Path:
        """The supervisor's Unix socket."""
        return self.folder / "control.sock"

    @property
    def running(self) -> Path:
        """Locked by the supervisor while it lives."""
        return self.folder / "supervisor.lock"

    @property
    def user_key(self) -> Path:
        """The private key that opens every host."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The host keys that we made, for strict checking."""
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`: reaches each host by its name from outside the fabric."""
        return self.folder / "ssh_config"

    @property
    def logs(self) -> Path:
        """What the supervisor and its programs write to standard error."""
        return self.folder / "logs"

    @property
    def roots(self) -> Path:
        """Mount point of the hosts' disks; empty outside the fabric's mount namespace."""
        return self.folder / "roots"

    def host_key(self, node: str) -> Path:
        """The private host key of a node."""
        return self.folder / "host_keys" / node

    def make(self) -> None:
        """Create the folders, readable by their owner alone."""
        for folder in (self.folder.parent, self.folder, self.logs, self.roots, self.folder / "host_keys"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)


def of(name: str) -> Paths:
    """The files of the sandbox of that name."""
    return Paths(state.folder(name).absolute())
