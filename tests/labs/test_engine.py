"""The engine against a made-up mesh that does what the model says, and against ones that do not."""

from __future__ import annotations

import pytest

from meshctl.labs import engine
from meshctl.labs.catalog import LABS, find
from meshctl.labs.engine import Options, Result
from meshctl.labs.evidence import Verdict
from meshctl.labs.lab import Lab
from meshctl.validate import find_topology
from tests.labs.fake import FakeMesh


def play(lab: Lab, mesh: FakeMesh, options: Options | None = None) -> list[Result]:
    return list(engine.run(lab, mesh, options or Options(), lambda _: None))


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
@pytest.mark.parametrize("preset", ["classroom", "five-clusters"])
def test_every_act_passes_on_a_mesh_that_does_what_the_model_says(lab: Lab, preset: str) -> None:
    mesh = FakeMesh(find_topology(None, preset))
    for result in play(lab, mesh):
        wrong = [finding for finding in result.findings if finding.verdict is not Verdict.passed]
        assert not wrong, f"{result.act.name}: {wrong}"


def test_nothing_of_a_lab_is_left_behind() -> None:
    mesh = FakeMesh(find_topology(None, "classroom"))
    play(find(["failover"])[0], mesh)
    assert (mesh.objects_, mesh.failed) == ({}, [])
