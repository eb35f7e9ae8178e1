"""Durable objects: every revision of every object, until compaction, in one SQLite file."""
