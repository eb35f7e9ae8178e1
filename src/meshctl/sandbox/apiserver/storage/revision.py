"""What the store hands out: stored objects, pages of them, and the changes between two versions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as stored: JSON without kind and apiVersion, its key (`namespace/name` or `name`) and version."""

    key: str
    version: int
    data: bytes

    def load(self) -> Object:
        """The parsed object, fresh at each call."""
        loaded: Object = json.loads(self.data)
        return loaded


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list at one version; `following` is the last key of a page that is not the last."""

    version: int
    items: tuple[Stored, ...]
    following: str | None = None
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One write: the object after it (for a deletion: its last content with the new version) and before it."""

    version: int
    resource: str
    key: str
    kind: str
    data: bytes
    before: bytes | None
    lines: dict[object, bytes] = field(default_factory=dict, compare=False)
    """Encodings shared by the watchers that want the same one."""

    def after(self) -> Object:
        """The parsed object after the change."""
        loaded: Object = json.loads(self.data)
        return loaded

    def previous(self) -> Object | None:
        """The parsed object before the change; None if it was created."""
        return None if self.before is None else json.loads(self.before)


class Compacted(Exception):
    """The history back to the requested version is gone; `oldest` is the first version still known."""

    def __init__(self, requested: int, oldest: int) -> None:
        super().__init__(requested, oldest)
        self.requested = requested
        self.oldest = oldest


def dump(obj: Object) -> bytes:
    """Compact JSON; what UTF-8 cannot hold becomes U+FFFD, as in Go's encoder."""
    text = json.dumps(obj, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
