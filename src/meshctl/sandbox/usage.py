"""What processes use, read from /proc and summed by session: each program leads one of its own."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def by_session() -> dict[int, dict[str, float]]:
    """Number of processes, resident KiB and CPU seconds of each session (proc_pid_stat(5))."""
    sums: dict[int, dict[str, float]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                session, kib, seconds = _read((process / "stat").read_text())
                one = sums.setdefault(session, {"processes": 0, "resident_kib": 0, "cpu_seconds": 0.0})
                one["processes"] += 1
                one["resident_kib"] += kib
                one["cpu_seconds"] += seconds
    return sums


def _read(text: str) -> tuple[int, int, float]:
    # The second field is the program's name in brackets and may hold spaces.
    fields = text.rpartition(")")[2].split()
    return int(fields[3]), int(fields[21]) * PAGE_KIB, (int(fields[11]) + int(fields[12])) / TICKS
