"""Files that are no topology at all: one clear line each, never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meshctl.errors import InvalidInput, UsageError
from meshctl.validate import find_topology, load
from meshctl.validate.document import MAX_BYTES

HOSTILE: dict[str, tuple[bytes, str]] = {
    "alias bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", ":2: YAML alias *a is not allowed"),
    "self reference": (b"&a [*a]\n", "YAML alias *a"),
    "deep nesting": (b"[" * 100_000, "nested deeper than 32 levels"),
    "deep mapping": (b"{a: " * 5_000, "nested deeper than 32 levels"),
    "tab": (b"name: x\nclusters:\n\t- name: y\n", ":3: a tab indents this line"),
    "duplicate key": (b"name: a\nname: b\n", ":2: name: duplicate key, first used in line 1"),
    "syntax": (b"name: [a\nclusters: }\n", "is not YAML"),
    "not UTF-8": (b"name: caf\xe9\n", ":1: is not UTF-8 (byte 0xe9)"),
    "control character": (b"name: a\x00b\n", "is not YAML"),
    "empty": (b"", ":1: is empty"),
    "only a comment": (b"# nothing\n", "is empty"),
    "a list": (b"- a\n- b\n", "expected a mapping"),
    "a scalar": (b"hello\n", "expected a mapping"),
    "two documents": (b"name: a\n---\nname: b\n", ":2: a second YAML document"),
    "no text key": (b"? [a, b]\n: c\n", ":1: has a key that is no text"),
    "python object": (b"name: !!python/object/apply:os.system [id]\n", "name: is a list; expected text"),
    "huge number": (b"name: " + b"9" * 10_000 + b"\n", "is not a int"),
    "huge": (b"#" * (MAX_BYTES + 1), "is larger than 4 MiB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_clear_error(name: str, tmp_path: Path) -> None:
    content, words = HOSTILE[name]
    file = tmp_path / "topology.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=str(file)) as caught:
        load(file)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_every_duplicate_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text("name: a\nname: b\nmesh: {id: x, id: y}\n")
    with pytest.raises(InvalidInput) as caught:
        load(file)
    assert [(p.line, p.where) for p in caught.value.problems] == [(2, "name"), (3, "mesh.id")]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        load(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file; `meshctl init`"):
        load(tmp_path / "topology.yaml")


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "topology.yaml")
    with pytest.raises(UsageError, match="not a regular file"):
        load(tmp_path / "topology.yaml")


def test_file_and_preset_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        find_topology(tmp_path / "topology.yaml", "classroom")
