"""A machine for each test that changes one, and a classroom that many tests only look at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshctl.sandbox import control, create, delete, enter
from meshctl.sandbox.control import Control
from meshctl.sandbox.wire import Program
from meshctl.topology import Topology
from meshctl.validate import find_topology
from tests.live import machine as machines
from tests.live.machine import REPOSITORY, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine that nobody else uses."""
    with machines.machine(tmp_path) as one:
        yield one


@dataclass(frozen=True)
class Classroom:
    """A sandbox on the real machine."""

    name: str
    topology: Topology

    def ssh(self, node: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a node as anyone would."""
        return subprocess.run([*enter.shell(self.name, node), command], capture_output=True, text=True, timeout=60)

    def at(self, node: str, command: str) -> str:
        """Run a command on a node by way of the supervisor, also if its network is broken; what it prints."""
        reader, writer = os.pipe()
        with Path(os.devnull).open("r+") as nothing, self.control() as sandbox:
            program = Program("at", ("sh", "-c", command), node, restart="never")
            sandbox.spawn(program, (nothing.fileno(), writer, writer))
            os.close(writer)
            with os.fdopen(reader) as output:
                return output.read()

    def control(self) -> Control:
        """A connection to the supervisor."""
        return control.connect(self.name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of this module's sandboxes."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(folder))
        guard = [sys.executable, "-m", "tests.live.guard", str(folder)]
        with subprocess.Popen(guard, stdin=-1, cwd=REPOSITORY, start_new_session=True):
            yield folder


@pytest.fixture(scope="module")
def classroom(home: Path) -> Iterator[Classroom]:
    """The course's nine hosts, for a module."""
    topology = find_topology(preset="classroom")
    try:
        create.create(topology, "classroom")
        yield Classroom("classroom", topology)
    finally:
        delete.delete("classroom")
