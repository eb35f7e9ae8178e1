"""Clients get from this server what they got from kube-apiserver 1.36: 121 recorded conversations."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.apiserver.conversation.differences import KNOWN, SOMETIMES
from tests.sandbox.apiserver.conversation.normal import normal
from tests.sandbox.apiserver.conversation.play import Player
from tests.sandbox.apiserver.conversation.recording import case, names, recorded
from tests.sandbox.apiserver.conversation.stage import Stage
from tests.sandbox.apiserver.process import Server

CLIENTS = ("http", "kubectl-1.20", "kubectl-1.33")
CONTROLLED = "controllers"
MESH = "istio-crds"


def _version(program: str) -> str:
    command = [program, "version", "--client", "-o", "json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        return ""
    version = json.loads(found.stdout)["clientVersion"]
    return f"{version['major']}.{version['minor'].rstrip('+')}"


def _program(client: str) -> Path | None:
    """The kubectl of the version that the recording was made with, if it is on this machine."""
    wanted = client.removeprefix("kubectl-")
    folders = [*os.get_exec_path(), *(str(Path(found).resolve().parent) for found in _on_path("kubectl"))]
    for folder in dict.fromkeys(folders):
        for name in (f"kubectl.{wanted}", f"kubectl-{wanted}", "kubectl"):
            program = shutil.which(name, path=folder)
            if program and _version(program) == wanted:
                return Path(program)
    return None


def _on_path(name: str) -> list[str]:
    program = shutil.which(name)
    return [program] if program else []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("conversations")
    with Server(directory / "server", pod_service_accounts=False) as server:
        yield Stage(server, directory / "stage")


@pytest.fixture(scope="module", params=["kubectl-1.20", "kubectl-1.33"])
def kubectl(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    program = _program(request.param)
    if program is None:
        pytest.skip(f"no {request.param} on this machine")
    # Its name becomes the field manager.
    link = tmp_path_factory.mktemp("bin") / "kubectl"
    link.symlink_to(program.resolve())
    return request.param, link


def _playable(client: str, need: str = "") -> list[str]:
    needs = {name: {CONTROLLED, MESH} & set(case(name)["needs"]) for name in names(client)}
    return [name for name, found in needs.items() if found == ({need} if need else set())]


def _differences(client: str, name: str, records: list[Any]) -> dict[str, str]:
    """The steps that differ, each with its difference."""
    original = recorded(client, name)
    assert len(records) == len(original)
    found = {}
    for number, pair in enumerate(zip(original, records, strict=True), start=1):
        theirs, ours = (json.dumps(normal(one), indent=1, sort_keys=True).splitlines() for one in pair)
        if theirs != ours:
            found[f"{client} {name}#{number}"] = "\n".join(unified_diff(theirs, ours, "original", "ours", n=3))
    return found


def _check(client: str, name: str, records: list[Any]) -> None:
    found = _differences(client, name, records)
    known = {place for place in KNOWN if place.startswith(f"{client} {name}#")}
    unexpected = {place: text for place, text in found.items() if place not in {*known, *SOMETIMES}}
    assert not unexpected, "\n\n".join(f"{place}\n{text}" for place, text in unexpected.items())
    assert known == set(found) - set(SOMETIMES), "these no longer differ: take them off the list"


@pytest.mark.parametrize("name", _playable("http"))
def test_raw_requests_are_answered_as_by_the_original(stage: Stage, name: str) -> None:
    _check("http", name, Player(stage, None).play(case(name)))


@pytest.mark.parametrize("name", _playable("kubectl-1.33"))
def test_kubectl_prints_what_it_prints_with_the_original(stage: Stage, kubectl: tuple[str, Path], name: str) -> None:
    client, program = kubectl
    _check(client, name, Player(stage, program).play(case(name)))


@pytest.mark.parametrize("name", _playable("kubectl-1.33", MESH))
def test_rules_are_answered_as_by_the_original(mesh: Stage, kubectl: tuple[str, Path], name: str) -> None:
    client, program = kubectl
    _check(client, name, Player(mesh, program).play(case(name)))
