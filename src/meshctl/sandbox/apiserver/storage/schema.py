"""The tables of the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS revision (
  version INTEGER PRIMARY KEY,
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  previous INTEGER,
  until INTEGER,
  labels TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS live ON revision (resource, key) WHERE until IS NULL;
CREATE INDEX IF NOT EXISTS history ON revision (resource, key, version);
CREATE INDEX IF NOT EXISTS superseded ON revision (until) WHERE until IS NOT NULL;
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, made if missing, readable by its owner only."""
    path.touch(mode=0o600, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    # A commit is in the kernel's page cache when it returns: a killed process loses nothing, and only a
    # machine that loses power could; syncing each commit would cost milliseconds for that.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA cache_size = -4096")
    db.executescript(TABLES)
    return db
