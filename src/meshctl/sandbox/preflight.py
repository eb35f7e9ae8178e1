"""Whether this machine can hold a sandbox; every reason why not is told at once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from meshctl.errors import UsageError
from meshctl.sandbox import kernel
from meshctl.sandbox.children import PATH

PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "sleep": "coreutils",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
}


def require() -> None:
    """UsageError with all reasons if a sandbox can't be built here."""
    if reasons := tuple(_reasons()):
        lines = "\n".join(f"  - {reason}" for reason in reasons)
        raise UsageError(f"the sandbox can't be built on this machine:\n{lines}")


def _reasons() -> Iterator[str]:
    if not sys.platform.startswith("linux"):
        yield f"this is {sys.platform}; network namespaces need Linux: use provider vagrant or ssh"
        return
    yield from _missing_programs()
    if os.geteuid() != 0:
        yield "you are not root; namespaces and mounts need it: run it with sudo"
    else:
        yield from _kernel_reasons()


def _missing_programs() -> Iterator[str]:
    missing = {program: package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)}
    if missing:
        programs, packages = ", ".join(missing), " ".join(sorted(set(missing.values())))
        yield f"missing programs: {programs}; on Debian: apt-get install {packages}"


def _kernel_reasons() -> Iterator[str]:
    """Found by trying, in a child that takes everything with it when it ends."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _try()
        except OSError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        reason = pipe.read()
    os.waitpid(child, 0)
    if reason:
        yield f"the kernel refuses what is needed ({reason}); Linux 5.8 or newer, root of the machine or a privileged container"


def _try() -> None:
    own = os.pidfd_open(os.getpid())
    flags = kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    kernel.unshare(flags | kernel.CLONE_NEWPID)
    kernel.setns(own, kernel.CLONE_NEWNET)
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", "/tmp", "tmpfs")
    for folder in ("upper", "work", "root"):
        os.mkdir(f"/tmp/{folder}")
    kernel.mount("overlay", "/tmp/root", "overlay", 0, "lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work")
