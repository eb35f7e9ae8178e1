"""The Linux system calls for namespaces, mounts and capabilities that Python 3.11 does not wrap."""

from __future__ import annotations

import ctypes
import os
import struct

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x4_0000
MS_SLAVE = 0x8_0000
MNT_DETACH = 0x2

# The same numbers on every architecture.
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
AT_FDCWD = -100
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
SYS_MOUNT_SETATTR = 442
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 1
MOUNT_ATTR_NODEV = 4

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24

# capabilities(7): what would let a node change the machine's clock, kernel, devices or log.
MACHINE_CAPABILITIES = (16, 17, 22, 25, 27, 34)  # module, rawio, boot, time, mknod, syslog

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by CLONE_* flags for new ones (unshare(2))."""
    _checked(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter namespaces of a namespace file or, several at once, of a pidfd (setns(2), Linux 5.8)."""
    _checked(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system or, by flags, bind or remount one (mount(2))."""
    texts = (os.fsencode(text) for text in (source, target, kind))
    result = _libc.mount(*texts, ctypes.c_ulong(flags), os.fsencode(options) if options else None)
    _checked(result, f"mount {kind or source} on {target}")


def clone_mount(path: str) -> int:
    """A detached copy of the tree at a path, for `attach_mount` (open_tree(2), Linux 5.2)."""
    descriptor = _libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), OPEN_TREE_CLONE | os.O_CLOEXEC)
    _checked(descriptor, f"open_tree {path}")
    return int(descriptor)


def attach_mount(descriptor: int, target: str) -> None:
    """Put a detached copy into this mount namespace, which may be another than it came from (move_mount(2))."""
    arguments = (descriptor, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)
    _checked(_libc.syscall(SYS_MOVE_MOUNT, *arguments), f"move_mount to {target}")


def write_protect(target: str) -> None:
    """Make a mount and all below it read-only, without devices (mount_setattr(2), Linux 5.12)."""
    attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0, 0, 0)
    arguments = (AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, ctypes.c_size_t(len(attributes)))
    _checked(_libc.syscall(SYS_MOUNT_SETATTR, *arguments), f"protect {target}")


def umount(target: str) -> None:
    """Take a mount out of the tree at once, busy or not (umount2(2) with MNT_DETACH)."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def pivot_root(root: str) -> None:
    """Make a mount point the root of this mount namespace and let go of everything else (pivot_root(2))."""
    os.chdir(root)
    _checked(_libc.pivot_root(b".", b"."), f"pivot_root {root}")
    umount(".")
    os.chdir("/")


def set_hostname(name: str) -> None:
    """Name this UTS namespace (sethostname(2))."""
    text = name.encode()
    _checked(_libc.sethostname(text, len(text)), f"sethostname {name}")


def drop_machine_capabilities() -> None:
    """No program started from here on can gain what would reach the machine itself (capabilities(7))."""
    for capability in MACHINE_CAPABILITIES:
        _checked(_libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), f"drop capability {capability}")


def die_with_parent(signal: int) -> None:
    """Be sent a signal when the thread that forked this process ends (PR_SET_PDEATHSIG of prctl(2))."""
    _checked(_libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")
