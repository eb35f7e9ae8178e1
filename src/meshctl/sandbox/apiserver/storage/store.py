"""The store: reads at any version that is still known, writes one object at a time, in one transaction each."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType

from meshctl.sandbox.apiserver.storage import schema
from meshctl.sandbox.apiserver.storage.changes import Changes
from meshctl.sandbox.apiserver.storage.revision import (
    ADDED,
    DELETED,
    MODIFIED,
    Change,
    Compacted,
    Object,
    Page,
    Stored,
    dump,
)
from meshctl.sandbox.apiserver.storage.selection import EVERYTHING, Selection

COMPACTION_STEP = 500


class Store(AbstractContextManager["Store"]):
    """All objects of one API server in `directory`. Not thread-safe: it belongs to the event loop's thread.

    Objects go in and come out without `kind` and `apiVersion`; `resource` names the kind's storage and `key` is
    `namespace/name`, or `name` for what has no namespace. Versions are counted over all resources, from 1.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (directory / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._db = schema.connect(directory / "objects.sqlite3")
        marks = dict(self._db.execute("SELECT name, version FROM mark"))
        (last,) = self._db.execute("SELECT coalesce(max(version), 0) FROM revision").fetchone()
        self.version: int = max(last, marks.get("last", 0))
        self.compacted: int = marks.get("compacted", 0)
        self.changes = Changes(self._replay, lambda: (self.compacted, self.version))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._lock.close()

    def get(self, resource: str, key: str) -> Stored | None:
        """The object as it is now."""
        row = self._db.execute(
            "SELECT key, version, CAST(data AS BLOB) FROM revision WHERE resource = ? AND key = ? AND until IS NULL",
            (resource, key),
        ).fetchone()
        return Stored(*row) if row else None

    def page(
        self,
        resource: str,
        namespace: str = "",
        selection: Selection = EVERYTHING,
        limit: int = 0,
        after: str = "",
        version: int | None = None,
    ) -> Page:
        """Up to `limit` (0: all) objects in key order behind the key `after`, as they were at `version` (None: now).

        Raises Compacted if that version's history is gone.
        """
        if version is not None and version < self.compacted:
            raise Compacted(version, self.compacted)
        where, parameters = _bounds(resource, namespace, selection, after, version)
        rows = self._db.execute(
            f"SELECT key, version, CAST(data AS BLOB) FROM revision WHERE {where} ORDER BY key LIMIT ?",  # noqa: S608
            (*parameters, limit + 1 if limit > 0 else -1),
        ).fetchall()
        items = tuple(Stored(*row) for row in (rows[:limit] if limit > 0 else rows))
        at = self.version if version is None else version
        if len(rows) == len(items):
            return Page(at, items)
        remaining = self._count(resource, namespace, selection, items[-1].key, version)
        return Page(at, items, items[-1].key, remaining)

    def _count(self, resource: str, namespace: str, selection: Selection, after: str, version: int | None) -> int:
        if selection:
            return 0
        where, parameters = _bounds(resource, namespace, selection, after, version)
        counted = self._db.execute(f"SELECT count(*) FROM revision WHERE {where}", parameters)  # noqa: S608
        return int(counted.fetchone()[0])

    def resources(self) -> list[str]:
        """The storage names under which anything is stored now."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT resource FROM revision WHERE until IS NULL")]

    def count(self, resource: str) -> int:
        """How many objects are stored under a name."""
        return self._count(resource, "", EVERYTHING, "", None)

    def create(self, resource: str, key: str, obj: Object) -> Stored:
        """Store a new object; the caller has seen that there is none."""
        return self._write(resource, key, obj, ADDED, None)

    def replace(self, resource: str, key: str, obj: Object, old: Stored) -> Stored:
        """Store a new revision of `old`, which the caller has just read."""
        return self._write(resource, key, obj, MODIFIED, old)

    def remove(self, resource: str, key: str, obj: Object, old: Stored) -> Stored:
        """Remove `old`; `obj` is its last content, which watchers see."""
        return self._write(resource, key, obj, DELETED, old)

    def _write(self, resource: str, key: str, obj: Object, kind: str, old: Stored | None) -> Stored:
        version = self.version + 1
        obj["metadata"]["resourceVersion"] = str(version)
        data = dump(obj)
        labels = json.dumps(obj["metadata"].get("labels") or {})
        row = (
            version,
            resource,
            key,
            kind,
            old and old.version,
            version if kind == DELETED else None,
            labels,
            data,
        )
        with self._transaction():
            if old:
                self._db.execute("UPDATE revision SET until = ? WHERE version = ?", (version, old.version))
            self._db.execute("INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))", row)
        self.version = version
        self.changes.publish(Change(version, resource, key, kind, data, old.data if old else None))
        return Stored(key, version, data)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def compact(self, version: int) -> None:
        """Forget the history up to and including `version`: what was replaced or removed by then."""
        self.compacted = max(self.compacted, min(version, self.version))
        marks = [("compacted", self.compacted), ("last", self.version)]
        self._db.executemany("INSERT OR REPLACE INTO mark VALUES (?, ?)", marks)

    def sweep(self) -> bool:
        """Delete a step's worth of compacted revisions; true while there may be more."""
        swept = self._db.execute(
            "DELETE FROM revision WHERE version IN (SELECT version FROM revision WHERE until <= ? LIMIT ?)",
            (self.compacted, COMPACTION_STEP),
        )
        return swept.rowcount == COMPACTION_STEP

    def _replay(self, resource: str, since: int, limit: int) -> Sequence[Change]:
        rows = self._db.execute(
            "SELECT r.version, r.resource, r.key, r.kind, CAST(r.data AS BLOB), CAST(p.data AS BLOB)"
            " FROM revision r LEFT JOIN revision p ON p.version = r.previous"
            " WHERE r.version > ? AND r.resource = ? ORDER BY r.version LIMIT ?",
            (since, resource, limit),
        )
        return [Change(*row) for row in rows]


def _bounds(
    resource: str, namespace: str, selection: Selection, after: str, version: int | None
) -> tuple[str, tuple[object, ...]]:
    """WHERE clause and parameters. `0` is the character behind `/`, so `ns/` to `ns0` is one namespace."""
    clauses = ["resource = ?", "key > ?"]
    parameters: list[object] = [resource, max(after, f"{namespace}/" if namespace else "")]
    if namespace:
        clauses.append("key < ?")
        parameters.append(f"{namespace}0")
    if version is None:
        clauses.append("until IS NULL")
    else:
        clauses.append("version <= ? AND (until IS NULL OR until > ?)")
        parameters += [version, version]
    clauses += selection.clauses
    return " AND ".join(clauses), (*parameters, *selection.parameters)
