"""pyinfra's SSH connector without its faults: Nagle's delay, EOFError, silent link loss, sessions left open."""

from __future__ import annotations

import socket
from typing import Any

from paramiko import SSHException
from pyinfra.connectors.ssh import SSHConnector
from pyinfra.connectors.util import CommandOutput

KEEPALIVE_S = 5
LINK_LOSS_MS = 15_000


class MeshSshConnector(SSHConnector):
    """One SSH connection a host that serves every step of a run; close it with `close`."""

    last_output = ""

    def _connect(self) -> None:
        kept = getattr(self.host, "mesh_client", None)
        if kept is not None:
            self.client = kept
            return
        super()._connect()
        self._tune()
        self.host.mesh_client = self.client  # type: ignore[attr-defined]

    def _tune(self) -> None:
        transport = self.client and self.client.get_transport()
        if not transport or not isinstance(transport.sock, socket.socket):
            return
        link = transport.sock
        # paramiko leaves Nagle on: opening a channel after closing one then waits 40 ms for a delayed ACK.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LINK_LOSS_MS)

    @property
    def alive(self) -> bool:
        """Whether the SSH session still stands."""
        transport = self.client and self.client.get_transport()
        return bool(transport and transport.is_active())

    def run_shell_command(self, *args: Any, **kwargs: Any) -> tuple[bool, CommandOutput]:
        """Run a command; SSHException when the connection is gone, which pyinfra counts against this host only."""
        try:
            status, output = super().run_shell_command(*args, **kwargs)
        except EOFError:
            raise SSHException("connection lost") from None
        if not status and not self.alive:
            raise SSHException("connection lost")
        self.last_output = "" if status else " ".join(output.stderr_lines[-3:] or output.stdout_lines[-3:])
        return status, output

    def close(self) -> None:
        """End the SSH session; pyinfra's own disconnect leaves it open."""
        client = getattr(self.host, "mesh_client", None)
        if client is not None:
            client.close()
            self.host.mesh_client = None  # type: ignore[attr-defined]
