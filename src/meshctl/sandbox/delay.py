"""A delay line for kernels without netem: gives each frame that is sent to a tap back after a while.

`python -m meshctl.sandbox.delay TAP SECONDS`. It reads as long as there is anything to read:
what waits is to be stamped on time.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

TUN = "/dev/net/tun"
# Linux, include/uapi/linux/if_tun.h.
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 65_550
# What a queue of the kernel would hold; more is lost, as on any line.
CAPACITY = 20_000


def attach(name: str) -> int:
    """The other end of a tap that is there; OSError if it isn't or if somebody else has it."""
    descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def run(descriptor: int, seconds: float) -> None:
    """Delay frames for as long as the tap is there."""
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        rest = max(waiting[0][0] - time.monotonic(), 0.0) if waiting else None
        readable, _, _ = select.select([descriptor], [], [], rest)
        if readable:
            _take(descriptor, seconds, waiting)
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(descriptor, waiting.popleft()[1])


def _take(descriptor: int, seconds: float, waiting: deque[tuple[float, bytes]]) -> None:
    try:
        while True:
            frame = os.read(descriptor, FRAME)
            if len(waiting) < CAPACITY:
                waiting.append((time.monotonic() + seconds, frame))
    except BlockingIOError:
        return


if __name__ == "__main__":
    run(attach(sys.argv[1]), float(sys.argv[2]))
