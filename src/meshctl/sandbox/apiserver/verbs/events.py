"""Watch events on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.apiserver import document
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Failure
from meshctl.sandbox.apiserver.negotiation import JSON, PROTOBUF, Media
from meshctl.sandbox.apiserver.patch.protobuf import wire
from meshctl.sandbox.apiserver.representation import encoded, load
from meshctl.sandbox.apiserver.storage.revision import DELETED, Change, Stored, dump
from meshctl.sandbox.apiserver.table import tables
from meshctl.sandbox.apiserver.verbs import shown

Object = dict[str, Any]


class Encoder:
    """Writes events in one representation; a table states its columns in the first event only."""

    def __init__(self, call: Call, media: Media) -> None:
        self._resource = call.resource
        self._media = media
        self._included = shown.included(call) if media.table else tables.Included.METADATA
        self._columns_sent = False
        self._plain = media.type == JSON and not media.transform

    @property
    def content_type(self) -> str:
        """The stream's content type."""
        return f"{PROTOBUF};stream=watch" if self._media.type == PROTOBUF else JSON

    def change(self, change: Change, kind: str) -> bytes:
        """A change as an event of that kind; plain ones are encoded once for all watchers."""
        if not self._plain:
            return self.event(kind, change.data)
        key = (kind, self._resource.group_version)
        if key not in change.lines:
            change.lines[key] = self.event(kind, change.data)
        return change.lines[key]

    def event(self, kind: str, data: bytes) -> bytes:
        """An event with a stored object."""
        if self._plain:
            return _line(kind, encoded(self._resource, data))
        return self._written(kind, self._transformed(load(self._resource, Stored("", 0, data))))

    def left(self, before: Object, version: int) -> bytes:
        """The event for an object that no longer matches: its last content that did, with the new version."""
        before["metadata"]["resourceVersion"] = str(version)
        return self.event(DELETED, dump(before))

    def bookmark(self, version: int, annotations: Mapping[str, str] | None = None) -> bytes:
        """A BOOKMARK at a version."""
        metadata: Object = {"resourceVersion": str(version)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.group_version, "metadata": metadata}
        return self._written("BOOKMARK", self._transformed(obj))

    def error(self, failure: Failure) -> bytes:
        """An ERROR with its Status."""
        return self._written("ERROR", failure.status)

    def _written(self, kind: str, obj: Object) -> bytes:
        if self._media.type != PROTOBUF:
            return _line(kind, dump(obj))
        packed, _ = document.encode(obj, Media(PROTOBUF))
        raw = wire.bytes_field(1, packed)
        frame = wire.bytes_field(1, kind.encode()) + wire.bytes_field(2, raw)
        return len(frame).to_bytes(4, "big") + frame

    def _transformed(self, obj: Object) -> Object:
        if not self._media.table:
            return shown.partial(obj, self._media.version) if self._media.metadata_only else obj
        metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        found = tables.table(self._resource, [obj], metadata, self._included, self._media.version)
        if self._columns_sent:
            found["columnDefinitions"] = None
        self._columns_sent = True
        return found


def _line(kind: str, obj: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + obj + b"}\n"
