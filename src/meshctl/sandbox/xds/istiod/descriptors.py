"""Envoy's message types, read out of its binary, which embeds the descriptors of every file that it was built from."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_database import DescriptorDatabase
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

# protobuf brings no types.
FileSet = Any
_FileSet: FileSet = descriptor_pb2.FileDescriptorSet
# Field 1 of a FileDescriptorProto, its name, with the length before it.
_START = re.compile(rb"\x0a([\x05-\x7f]|[\x80-\xff]\x01)([a-zA-Z0-9_][a-zA-Z0-9_./-]+\.proto)")
_FIELDS = frozenset({*range(2, 13), 14})
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def pool(binary: Path, cache: Path | None = None) -> DescriptorPool:
    """The types of an Envoy binary; files are taken in when a type of theirs is asked for."""
    database = DescriptorDatabase()
    for file in load(binary, cache or default_cache()).file:
        database.Add(file)
    return DescriptorPool(database)


def default_cache() -> Path:
    """Where descriptors are kept: under XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "meshctl"


def load(binary: Path, cache: Path) -> FileSet:
    """The descriptors of a binary, from the cache if it was read before."""
    status = binary.stat()
    kept = cache / f"envoy-{status.st_size:x}-{status.st_mtime_ns:x}.binpb"
    try:
        return _FileSet.FromString(kept.read_bytes())
    except (OSError, DecodeError):
        found = scan(binary)
    _keep(kept, found)
    return found


def _keep(path: Path, found: FileSet) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_bytes(found.SerializeToString())
        partial.replace(path)
    except OSError:
        # Only slower next time.
        return


def scan(binary: Path) -> FileSet:
    """Every descriptor in a binary, one of each file name."""
    found: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    with binary.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start, name in _starts(content):
            proto = _proto(content[start : _end(content, start)])
            if proto and proto.name == name:
                found.setdefault(name, proto)
    return _FileSet(file=found.values())


def _starts(content: mmap.mmap) -> Iterator[tuple[int, str]]:
    for match in _START.finditer(content):
        length = match[1][0] if len(match[1]) == 1 else (match[1][0] & 0x7F) + (match[1][1] << 7)
        if length == len(match[2]):
            yield match.start(), match[2].decode()


def _proto(content: bytes) -> descriptor_pb2.FileDescriptorProto | None:
    try:
        return descriptor_pb2.FileDescriptorProto.FromString(content)
    except DecodeError:
        return None


def _end(content: mmap.mmap, start: int) -> int:
    """Where the fields of the message that begins at `start` end."""
    position = _after(content, start + 1, _BYTES)
    while position + 1 < len(content):
        tag, value = _varint(content, position)
        end = _after(content, value, tag & 7) if tag >> 3 in _FIELDS else -1
        if not position < end <= len(content):
            break
        position = end
    return position


def _after(content: mmap.mmap, position: int, kind: int) -> int:
    if kind == _VARINT:
        return _varint(content, position)[1]
    if kind == _BYTES:
        length, position = _varint(content, position)
        return position + length
    return position + {_FIXED64: 8, _FIXED32: 4}.get(kind, -position)


def _varint(content: mmap.mmap, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(content) and shift < 64:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            break
    return value, position
