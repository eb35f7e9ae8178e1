"""A classroom with the whole mesh for the tests of this folder, each of which leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import machine as machines
from tests.live.machine import Machine

from .command_line import meshctl


@pytest.fixture(scope="package")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine that it runs on."""
    with machines.machine(tmp_path_factory.mktemp("state")) as one:
        ended = meshctl(one, "up")
        assert ended.returncode == 0, ended.stderr
        yield one
