"""The files that a container's program sees: the machine's programs, settings of its own, and its mounts."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from meshctl.sandbox import host, kernel
from meshctl.sandbox.wire import Mount

# Mounted over in a mount namespace that is about to be left; every supervisor has it.
STAGE = Path("/proc")
PROGRAMS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "opt")
FOLDERS = {
    **dict.fromkeys(
        ("etc", "home", "mnt", "proc", "run", "srv", "sys", "dev", "var/cache", "var/lib", "var/log"), 0o755
    ),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
}
# What programs read that know nothing of the sandbox; nothing in it is private.
SETTINGS = (
    *("alternatives", "ca-certificates", "ssl/certs", "ssl/openssl.cnf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"),
    *("passwd", "group", "services", "protocols", "mime.types", "os-release", "localtime", "timezone", "terminfo"),
)
PACKAGE = Path(__file__).parents[2]


def hidden(mounts: Iterable[Mount]) -> Iterator[Mount]:
    """Folders of the machine's programs that mounts would cover, to be mounted once more above them.

    A checkout may be below /tmp, and so may be a container's volume.
    """
    targets = [one.target for one in mounts]
    for own in map(str, _own_folders()):
        if any(Path(own).is_relative_to(target) for target in targets):
            yield Mount(own, own, read_only=True)


def enter(mounts: Iterable[Mount]) -> None:
    """Give the calling child a mount namespace and root of its own, with a place for each of the mounts."""
    targets = [Path(one.target.lstrip("/")) for one in mounts]
    kinds = [Path(one.source).is_dir() for one in mounts]
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("tmpfs", str(STAGE), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=256m")
    root = STAGE / "root"
    root.mkdir()
    kernel.mount("tmpfs", str(root), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=256m")
    _make_folders(root)
    _show_programs(root)
    _copy_settings(root / "etc")
    for target, folder in zip(targets, kinds, strict=True):
        _make_place(root, target, folder)
    _mount_kernel_files(root)
    kernel.pivot_root(str(root))


def _make_folders(root: Path) -> None:
    for path, mode in FOLDERS.items():
        (root / path).mkdir(parents=True, exist_ok=True)
        (root / path).chmod(mode)
    (root / "var/run").symlink_to("/run")


def _show_programs(root: Path) -> None:
    for source in _program_folders():
        target = root / source.relative_to("/")
        if source.is_symlink():
            target.symlink_to(source.readlink())
            continue
        target.mkdir(parents=True, exist_ok=True)
        _let_through(root, target)
        kernel.mount(str(source), str(target), "", kernel.MS_BIND | kernel.MS_REC)
        kernel.write_protect(str(target))


def _let_through(root: Path, target: Path) -> None:
    """A program may be in root's home, where the users of other containers have to get, too."""
    for above in target.parents[: len(target.relative_to(root).parts) - 1]:
        above.chmod(above.stat().st_mode | 0o111)


def _program_folders() -> Iterator[Path]:
    yield from (Path("/", name) for name in PROGRAMS if Path("/", name).exists())
    yield from _own_folders()


def _own_folders() -> Iterator[Path]:
    """Those of the sandbox's own programs, where they are not among all others."""
    shown: list[Path] = [Path("/", name) for name in PROGRAMS]
    for own in map(Path, dict.fromkeys((sys.prefix, sys.base_prefix, str(PACKAGE)))):
        if not any(own.is_relative_to(one) for one in shown):
            shown.append(own)
            yield own


def _copy_settings(etc: Path) -> None:
    for name in SETTINGS:
        source, target = Path("/etc", name), etc / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.is_dir():
            target.mkdir()
            kernel.mount(str(source), str(target), "", kernel.MS_BIND)
            kernel.write_protect(str(target))
        elif source.exists():
            shutil.copyfile(source, target)
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")


def _make_place(root: Path, target: Path, folder: bool) -> None:
    place = root / _followed(root, target)
    if os.path.lexists(place):
        return
    try:
        _make(place, folder)
    except OSError:
        _open(root, place)
        _make(place, folder)


def _make(place: Path, folder: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        place.mkdir()
    else:
        place.touch()


def _followed(root: Path, target: Path) -> Path:
    """Where a path leads once `root` is the root: /var/run/x lies in /run."""
    here = Path()
    for part in target.parts:
        step = here / part
        full = root / step
        if full.is_symlink():
            link = full.readlink()
            step = link.relative_to("/") if link.is_absolute() else Path(os.path.normpath(here / link))
        here = step
    return here


def _open(root: Path, place: Path) -> None:
    """Cover the protected folder above a place by one that can be written to."""
    above = next(one for one in place.parents if one.exists())
    number = len(list(STAGE.iterdir()))
    layers = STAGE / f"layer{number}"
    for name in ("upper", "work"):
        (layers / name).mkdir(parents=True)
    lower = Path("/") / above.relative_to(root)
    options = f"lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work"
    kernel.mount("overlay", str(above), "overlay", 0, options)


def _mount_kernel_files(root: Path) -> None:
    safe = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", str(root / "proc"), "proc", safe)
    kernel.mount("sysfs", str(root / "sys"), "sysfs", safe | kernel.MS_RDONLY)
    settings = str(root / "proc/sys")
    kernel.mount(settings, settings, "", kernel.MS_BIND)
    kernel.mount("", settings, "", kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | safe)
    host.mount_devices(root / "dev")
