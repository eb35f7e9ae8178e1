"""One host of the sandbox: its namespaces, its root file system, its sshd."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from meshctl.sandbox import children, disk, kernel, network, settings
from meshctl.sandbox.children import Child, Children
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Fabric, Host

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# Of the machine, not of any namespace: covered, as container runtimes do.
MASKED = ("proc/kcore", "proc/sysrq-trigger")
SYSCTLS = {
    "net/ipv4/ip_forward": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv6/conf/default/disable_ipv6": "1",
}


class Machine:
    """A running host, held by the pidfd of its first process: while that lives, its namespaces do."""

    def __init__(self, host: Host, child: Child) -> None:
        self.host = host
        self.pid = child.pid
        self.exit = child.exit
        self.pidfd = os.pidfd_open(child.pid)

    def enter(self, root: bool = True) -> None:
        """Move the calling child into the host's network and UTS namespace and, with `root`, onto its disk."""
        kernel.setns(self.pidfd, kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS | (kernel.CLONE_NEWNS if root else 0))

    async def kill(self) -> None:
        """End every process of the host."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        await self.exit

    def close(self) -> None:
        """Let go of the namespaces."""
        os.close(self.pidfd)


@dataclass(frozen=True, slots=True)
class Ground:
    """What every host of a sandbox is built on: its files, what of the machine's to hide, extra sshd settings."""

    paths: Paths
    hidden: tuple[str, ...]
    sshd_options: tuple[str, ...]


async def boot(crew: Children, ground: Ground, fabric: Fabric, host: Host) -> Machine:
    """Start a host's first process on its disk, which is made if there is none; it has no network yet."""
    folder = ground.paths.roots / host.name
    if not folder.is_mount():
        folder.mkdir(exist_ok=True)
        kernel.mount("tmpfs", str(folder), "tmpfs", kernel.MS_NOSUID, f"size={host.disk}m,mode=0700")
    files = settings.files(ground.paths, fabric, host, ground.sshd_options)

    def become() -> None:
        os.umask(0o022)
        disk.upper(folder).mkdir(parents=True, exist_ok=True)
        disk.prepare(disk.upper(folder), ground.hidden, files)
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS)
        kernel.set_hostname(host.name)
        _enter_root(disk.mount(folder))
        set_sysctls(SYSCTLS)
        _protect_settings()
        kernel.drop_machine_capabilities()
        _wait_for_nothing()

    child = crew.fork(become, new_pids=True)
    await child.started()
    return Machine(host, child)


def discard(paths: Paths, host: str) -> None:
    """Throw a stopped host's disk away."""
    folder = paths.roots / host
    if folder.is_mount():
        kernel.umount(str(folder))
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


async def connect(crew: Children, fabric: Fabric, machine: Machine) -> None:
    """Give a plugged-in host its address; ChildFailed if it takes none."""
    await crew.run(["ip", "-batch", "-"], network.host(fabric, machine.host), machine.enter)


def has_address(machine: Machine) -> bool:
    """Whether the host's address is up, read from its routing table; a dead host has none."""
    if machine.exit.done():
        # Its number may be another process's by now.
        return False
    try:
        lines = Path(f"/proc/{machine.pid}/net/fib_trie").read_text().splitlines()
    except OSError:
        return False
    own = f"-- {machine.host.address}"
    return any(line.endswith(own) and "host LOCAL" in after for line, after in pairwise(lines))


def set_sysctls(values: dict[str, str]) -> None:
    """Set kernel parameters of the calling process's namespaces; those that the kernel lacks are left out."""
    for key, value in values.items():
        with contextlib.suppress(FileNotFoundError):
            Path("/proc/sys", key).write_text(value)


async def rewrite_hosts(crew: Children, fabric: Fabric, machine: Machine) -> None:
    """Bring the host's /etc/hosts up to date, from inside: the host may have put links in the way."""
    await crew.run(["sh", "-c", "cat > /etc/hosts"], settings.hosts_file(fabric), machine.enter)


def _enter_root(root: Path) -> None:
    _mount_kernel_files(root)
    mount_devices(root / "dev")
    kernel.mount("tmpfs", str(root / "run"), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=64m")
    (root / "run/sshd").mkdir(mode=0o755)
    (root / "run/lock").mkdir()
    (root / "run/lock").chmod(0o1777)
    kernel.pivot_root(str(root))


def _mount_kernel_files(root: Path) -> None:
    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", str(root / "proc"), "proc", safe)
    kernel.mount("sysfs", str(root / "sys"), "sysfs", safe | kernel.MS_RDONLY)
    for path in MASKED:
        if (root / path).exists():
            kernel.mount("/dev/null", str(root / path), "", kernel.MS_BIND)


def mount_devices(dev: Path) -> None:
    """A /dev that holds what every program expects and none of the machine's disks."""
    kernel.mount("tmpfs", str(dev), "tmpfs", kernel.MS_NOSUID, "mode=0755,size=64k")
    for name in DEVICES:
        (dev / name).touch()
        kernel.mount(f"/dev/{name}", str(dev / name), "", kernel.MS_BIND)
    for folder in ("pts", "shm"):
        (dev / folder).mkdir()
    safe = kernel.MS_NOSUID | kernel.MS_NOEXEC
    kernel.mount("devpts", str(dev / "pts"), "devpts", safe, "newinstance,ptmxmode=0666,mode=0620,gid=5")
    kernel.mount("tmpfs", str(dev / "shm"), "tmpfs", safe | kernel.MS_NODEV, "mode=1777,size=256m")
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1")):
        (dev / name).symlink_to(target)
    (dev / "stderr").symlink_to("fd/2")


def _protect_settings() -> None:
    """Kernel settings of the machine can't be written; those of the host's own network can."""
    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("/proc/sys", "/proc/sys", "", kernel.MS_BIND)
    kernel.mount("", "/proc/sys", "", kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | safe)
    # A bind of a read-only mount is read-only until it is told otherwise.
    kernel.mount("/proc/sys/net", "/proc/sys/net", "", kernel.MS_BIND)
    kernel.mount("", "/proc/sys/net", "", kernel.MS_BIND | kernel.MS_REMOUNT | safe)


def _wait_for_nothing() -> None:
    # Ignored across exec: the kernel then reaps the orphans that a pid namespace's first process inherits.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children.execute(["sleep", "infinity"], {})
