"""Sockets that belong to the network of a node or a pod, for a process that lives in another."""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from meshctl.sandbox import kernel


class Networks:
    """Makes sockets in other networks, in one thread that does nothing else."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="netns")

    async def socket_in(self, pid: int) -> socket.socket:
        """A TCP socket, not blocking, in the network of a process; OSError if that is gone."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _socket_in, pid)

    async def packets_in(self, pid: int, protocol: int) -> socket.socket:
        """A packet socket for one Ethernet protocol, not blocking, in the network of a process; OSError."""
        loop, kind = asyncio.get_running_loop(), (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        return await loop.run_in_executor(self._thread, _socket_in, pid, *kind)

    async def connect(self, pid: int, address: str, port: int, seconds: float) -> socket.socket:
        """A connection made from the network of a process; OSError, TimeoutError."""
        made = await self.socket_in(pid)
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(made, (address, port)), seconds)
        except BaseException:
            made.close()
            raise
        return made


def _socket_in(
    pid: int, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
) -> socket.socket:
    # /proc is the fabric's: it numbers processes as the supervisor does.
    net = os.open(Path("/proc", str(pid), "ns/net"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(net, kernel.CLONE_NEWNET)
    finally:
        os.close(net)
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made
