"""Everything about a machine that a sandbox could leave behind, as JSON; run as a program inside it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
COMMANDS = {
    "addresses": "ip -d addr",
    "bridges": "bridge link",
    "routes": "ip route show table all",
    "routes6": "ip -6 route show table all",
    "rules": "ip rule",
    "firewall": "nft list ruleset",
}
FOLDERS = ("/run", "/dev/shm")


def network() -> dict[str, Any]:
    """What the machine's own network looks like."""
    return {name: _settled(subprocess.check_output(line.split(), text=True)) for name, line in COMMANDS.items()}


def take(home: str) -> dict[str, Any]:
    """The whole snapshot."""
    return {
        **network(),
        "settings": _digests(Path("/proc/sys/net/ipv4")),
        "etc": _digests(Path("/etc")),
        "processes": sorted(_processes()),
        "namespaces": sorted(set(_namespaces())),
        "mounts": sorted(_mounts()),
        "sockets": sorted(_sockets()),
        "locks": len(Path("/proc/locks").read_text().splitlines()),
        "files": sorted(str(path) for folder in (*FOLDERS, home) for path in Path(folder).rglob("*")),
    }


def _settled(text: str) -> str:
    """Without the clocks that run by themselves."""
    return "\n".join(line for line in text.splitlines() if "valid_lft" not in line)


def _processes() -> Iterator[str]:
    for process in _pids():
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            # Empty for one that has ended and waits to be reaped; the capture is the test's own.
            if words and "tests.live.capture" not in words:
                yield words


def _namespaces() -> Iterator[str]:
    for process in _pids():
        with suppress(OSError):
            yield from [str((process / "ns" / kind).readlink()) for kind in KINDS]


def _pids() -> Iterator[Path]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield entry


def _mounts() -> Iterator[str]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        yield " ".join(line.split()[3:])


def _sockets() -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        yield " ".join(line.split()[7:])
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        if line.split()[3] == "0A":
            yield line.split()[1]


def _digests(folder: Path) -> str:
    """One digest over names, modes and contents; what can't be read counts by its name."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(f"{path} {path.lstat().st_mode}".encode())
        if path.is_file() and not path.is_symlink():
            try:
                whole.update(path.read_bytes())
            except OSError:
                continue
    return whole.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(take(sys.argv[1])))
