"""Clients get from this server what they got from kube-apiserver 1.36: 121 recorded conversations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.apiserver.conversation.differences import KNOWN, SOMETIMES
from tests.sandbox.apiserver.conversation.kubectls import kubectls
from tests.sandbox.apiserver.conversation.normal import normal
from tests.sandbox.apiserver.conversation.play import Player
from tests.sandbox.apiserver.conversation.recording import case, names, recorded
from tests.sandbox.apiserver.conversation.stage import Stage
from tests.sandbox.apiserver.process import Server, controllers

CONTROLLED = "controllers"
MESH = "istio-crds"
CLIENTS = ("http", "kubectl-1.20", "kubectl-1.33")

Records = list[Any]
Played = Callable[[str, str], Records]


def _playable(client: str, need: str = "") -> list[str]:
    needs = {name: {CONTROLLED, MESH} & set(case(name)["needs"]) for name in names(client)}
    return [name for name, found in needs.items() if found == ({need} if need else set())]


def _program(client: str, directory: Path) -> Path | None:
    """kubectl of the version that the recording was made with, by a name of its own: that is its field manager."""
    if client == "http":
        return None
    found = kubectls().get(client.removeprefix("kubectl-"))
    if found is None:
        pytest.skip(f"no {client} on this machine")
    link = directory / "kubectl"
    if not link.exists():
        link.symlink_to(found.resolve())
    return link


def _asked(session: pytest.Session) -> list[tuple[str, str]]:
    """The cases that this run's tests ask for, by client."""
    items = [item for item in session.items if isinstance(item, pytest.Function) and "played" in item.fixturenames]
    return [(str(item.callspec.params["client"]), str(item.callspec.params["name"])) for item in items]


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """What a client's case came to; all clients play at the same time, each with a server of its own."""
    asked = _asked(request.session)
    playing: dict[tuple[str, str], Future[Records]] = {}
    with ExitStack() as stack:
        for client in dict.fromkeys(client for client, _ in asked if client == "http" or client[8:] in kubectls()):
            directory = tmp_path_factory.mktemp(client)
            program = _program(client, directory)
            server = stack.enter_context(Server(directory / "server", pod_service_accounts=False, collects=False))
            stage = Stage(server, directory / "stage")
            pool = ThreadPoolExecutor(1)
            stack.callback(pool.shutdown, cancel_futures=True)
            for one, name in asked:
                if one == client:
                    playing[client, name] = pool.submit(Player(stage, program).play, case(name))
        yield lambda client, name: playing[client, name].result()


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server that collects garbage, and the controllers beside it."""
    directory = tmp_path_factory.mktemp("controlled")
    with Server(directory / "server", pod_service_accounts=False) as server, controllers(server):
        yield Stage(server, directory / "stage", controlled=True)


def _differences(client: str, name: str, records: Records) -> dict[str, str]:
    """The steps that differ, each with its difference."""
    original = recorded(client, name)
    assert len(records) == len(original)
    found = {}
    for number, pair in enumerate(zip(original, records, strict=True), start=1):
        theirs, ours = (json.dumps(normal(one), indent=1, sort_keys=True).splitlines() for one in pair)
        if theirs != ours:
            found[f"{client} {name}#{number}"] = "\n".join(unified_diff(theirs, ours, "original", "ours", n=3))
    return found


def _check(client: str, name: str, records: Records) -> None:
    found = _differences(client, name, records)
    known = {place for place in KNOWN if place.startswith(f"{client} {name}#")}
    unexpected = {place: text for place, text in found.items() if place not in {*known, *SOMETIMES}}
    assert not unexpected, "\n\n".join(f"{place}\n{text}" for place, text in unexpected.items())
    assert known == set(found) - set(SOMETIMES), "these no longer differ: take them off the list"


@pytest.mark.parametrize(("client", "name"), [(client, name) for client in CLIENTS for name in _playable(client)])
def test_clients_are_answered_as_by_the_original(played: Played, client: str, name: str, tmp_path: Path) -> None:
    _program(client, tmp_path)
    _check(client, name, played(client, name))


@pytest.mark.parametrize("client", ["kubectl-1.20", "kubectl-1.33"])
@pytest.mark.parametrize("name", _playable("kubectl-1.33", MESH))
def test_rules_are_answered_as_by_the_original(mesh: Stage, client: str, name: str, tmp_path: Path) -> None:
    _check(client, name, Player(mesh, _program(client, tmp_path)).play(case(name)))


@pytest.mark.parametrize("client", ["kubectl-1.20", "kubectl-1.33"])
@pytest.mark.parametrize("name", _playable("kubectl-1.33", CONTROLLED))
def test_controllers_answer_as_the_original(controlled: Stage, client: str, name: str, tmp_path: Path) -> None:
    _check(client, name, Player(controlled, _program(client, tmp_path)).play(case(name)))
