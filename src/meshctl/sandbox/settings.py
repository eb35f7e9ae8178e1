"""The files that make an overlay of the machine a host of its own: names, accounts, shell and sshd settings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from meshctl.sandbox import ssh_keys
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Fabric, Host

Files = dict[str, tuple[int, str]]

SSHD_CONFIG = """\
ListenAddress {address}
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
GSSAPIAuthentication no
X11Forwarding no
PrintMotd no
PrintLastLog no
PidFile none
LoginGraceTime 30
MaxSessions 100
MaxStartups 200
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""
PROMPT = """\
# Nothing here runs for a command over SSH; deploys run many of those.
[ -z "$PS1" ] || PS1='\\u@\\h:\\w\\$ '
"""


def files(paths: Paths, fabric: Fabric, host: Host, sshd_options: Iterable[str]) -> Files:
    """Mode and content of each file by its path on the host's disk."""
    key = paths.host_key(host.name)
    options = "".join(f"{option}\n" for option in sshd_options)
    return {
        "etc/hostname": (0o644, f"{host.name}\n"),
        "etc/hosts": (0o644, hosts_file(fabric)),
        "etc/resolv.conf": (0o644, ""),
        "etc/nsswitch.conf": (0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
        "etc/machine-id": (0o444, f"{_machine_id(paths, host)}\n"),
        "etc/shadow": (0o640, _shadow(Path("/etc/passwd").read_text())),
        "etc/environment": (0o644, ""),
        "etc/profile": (0o644, ""),
        "etc/bash.bashrc": (0o644, PROMPT),
        "etc/ssh/sshd_config": (0o644, SSHD_CONFIG.format(address=host.address) + options),
        "etc/ssh/ssh_host_ed25519_key": (0o600, key.read_text()),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, f"{ssh_keys.public_key(key)} {host.name}\n"),
        "root/.ssh/authorized_keys": (0o600, f"{ssh_keys.public_key(paths.user_key)} meshctl\n"),
        "root/.bashrc": (0o644, ""),
        "root/.profile": (0o644, ""),
    }


def hosts_file(fabric: Fabric) -> str:
    """/etc/hosts with every host of the sandbox."""
    lines = ["127.0.0.1 localhost", *(f"{host.address} {host.name}" for host in fabric.hosts)]
    return "\n".join(lines) + "\n"


def _machine_id(paths: Paths, host: Host) -> str:
    return hashlib.sha256(f"{paths.folder}/{host.name}".encode()).hexdigest()[:32]


def _shadow(passwd: str) -> str:
    """No password opens any account, and none is locked: sshd would refuse the key, too."""
    names = [line.split(":")[0] for line in passwd.splitlines() if ":" in line]
    return "".join(f"{name}:*:19700:0:99999:7:::\n" for name in names)
