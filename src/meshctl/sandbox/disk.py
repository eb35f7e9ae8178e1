"""A host's disk: an overlay over the machine's own root that shows programs and settings but nothing private.

The upper layer is prepared before it is mounted: whiteouts hide what a node has no business with, opaque folders
stand in for the machine's (Linux, Documentation/filesystems/overlayfs.rst).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from meshctl.sandbox import kernel

SHOWN = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "var/lib/dpkg", "var/lib/rpm")
EMPTY = {
    **dict.fromkeys(("boot", "dev", "home", "media", "mnt", "proc", "run", "srv", "sys"), 0o755),
    **dict.fromkeys(("var/cache", "var/lib/misc", "var/log", "var/spool", "etc/profile.d"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
    "root/.ssh": 0o700,
}
DISK_KINDS = ("btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "xfs", "zfs")


def private_settings(root: Path = Path("/")) -> tuple[str, ...]:
    """Everything in the machine's /etc that it does not let others read, relative to its root."""
    return tuple(_unreadable(str(root / "etc"), "etc"))


def prepare(upper: Path, hidden: Iterable[str], files: Mapping[str, tuple[int, str]], root: Path = Path("/")) -> None:
    """Fill the upper layer: `files` maps paths to mode and content; safe to repeat while it is not mounted."""
    for path, mode in EMPTY.items():
        _folder(upper, path, root)
        (upper / path).chmod(mode)
        os.setxattr(upper / path, "trusted.overlay.opaque", b"y")
    _hide_rest(upper, root, "", SHOWN)
    for path in hidden:
        _folder(upper, str(Path(path).parent), root)
        _whiteout(upper / path)
    for path, (mode, content) in files.items():
        _write(upper, path, root, mode, content)


def mount(folder: Path) -> Path:
    """Mount the overlay of `folder/upper` over the machine's disks at `folder/root` and return that."""
    root = folder / "root"
    # Relative to the folder, whose path could hold the commas and colons that separate the options.
    os.chdir(folder)
    root.mkdir(exist_ok=True)
    for path in ("", *_disks_below()):
        layer = path.strip("/").replace("/", "-") or "root"
        for part in ("upper", "work"):
            Path(part, layer).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir=/{path},upperdir=upper/{layer},workdir=work/{layer}"
        kernel.mount("overlay", str(root / path), "overlay", 0, options)
    return root


def upper(folder: Path) -> Path:
    """The upper layer of the root file system."""
    return folder / "upper" / "root"


def _disks_below() -> Iterator[str]:
    """Shown folders, and mount points below them, that the overlay of the root file system does not reach."""
    root = Path("/").stat().st_dev
    yield from (one for one in SHOWN if _is_folder(one) and Path("/", one).stat().st_dev != root)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        path = before.split()[4].strip("/")
        if after.split()[0] in DISK_KINDS and path.startswith(tuple(f"{one}/" for one in SHOWN)) and _is_folder(path):
            yield path


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(Path("/", path).lstat().st_mode) if Path("/", path).exists() else False


def _unreadable(folder: str, name: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_symlink():
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        readable = mode & stat.S_IROTH and (mode & stat.S_IXOTH or not stat.S_ISDIR(mode))
        if not readable:
            yield f"{name}/{entry.name}"
        elif stat.S_ISDIR(mode):
            yield from _unreadable(entry.path, f"{name}/{entry.name}")


def _hide_rest(upper: Path, root: Path, folder: str, shown: tuple[str, ...]) -> None:
    for entry in Path(root, folder).iterdir():
        path = str(entry.relative_to(root))
        if entry.is_symlink():
            continue
        below = tuple(one for one in (*shown, *EMPTY) if one.startswith(f"{path}/"))
        if path in shown or path in EMPTY:
            continue
        if below:
            _folder(upper, path, root)
            _hide_rest(upper, root, path, shown)
        elif not os.path.lexists(upper / path):
            _whiteout(upper / path)


def _folder(upper: Path, path: str, root: Path) -> None:
    """Make a folder of the upper layer and those above it, with the machine's modes where it has them."""
    here = Path()
    for part in Path(path).parts:
        here /= part
        target = upper / here
        if target.is_dir() and not target.is_symlink():
            continue
        target.unlink(missing_ok=True)
        target.mkdir()
        lower = root / here
        if lower.is_dir():
            like = lower.stat()
            os.chown(target, like.st_uid, like.st_gid)
            target.chmod(stat.S_IMODE(like.st_mode))


def _whiteout(path: Path) -> None:
    if not os.path.lexists(path):
        os.mknod(path, stat.S_IFCHR, 0)


def _write(upper: Path, path: str, root: Path, mode: int, content: str) -> None:
    _folder(upper, str(Path(path).parent), root)
    target = upper / path
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
