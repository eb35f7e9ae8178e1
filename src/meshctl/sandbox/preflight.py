"""Whether this machine can hold a sandbox; every reason why not is told at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
TRIALS = (
    ("ip", "link", "add", "type", "bridge"),
    ("ip", "link", "add", "type", "veth"),
    ("nft", "list", "ruleset"),
)


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
        except (OSError, subprocess.SubprocessError) as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        reason = pipe.read()
    os.waitpid(child, 0)
    if reason:
        yield f"the kernel refuses what is needed ({reason}): expected Linux 5.8 or newer and all rights on it"


def _try() -> None:
    own = os.pidfd_open(os.getpid())
    kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC)
    kernel.setns(own, kernel.CLONE_NEWNET)
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    # Any folder that exists everywhere serves as a mount point: nobody else sees it.
    place = Path("/sys")
    kernel.mount("tmpfs", str(place), "tmpfs")
    for folder in ("upper", "work", "root"):
        (place / folder).mkdir()
    os.chdir(place)
    kernel.mount("overlay", "root", "overlay", 0, "lowerdir=/,upperdir=upper,workdir=work")
    for command in TRIALS:
        subprocess.run(command, env={"PATH": PATH}, check=True, capture_output=True)
    kernel.unshare(kernel.CLONE_NEWPID)
