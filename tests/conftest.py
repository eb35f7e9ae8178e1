"""Which tests run: live ones need root and the sandbox's packages, campaigns are whole only with --soak."""

from __future__ import annotations

import functools
import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from meshctl.errors import UsageError
from meshctl.sandbox import preflight

LIVE = "tests/live/"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long campaigns whole instead of a sample of each")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("live") and (reason := _reason_not_to()):
        # In CI nothing may pass by not running.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


class LiveOnesInTurn(LoadScopeScheduling):  # type: ignore[misc] # xdist tells no types
    """Live tests follow one another, for they count what is on the machine; any other goes where there is time."""

    def _split_scope(self, nodeid: str) -> str:
        return LIVE if nodeid.startswith(LIVE) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LiveOnesInTurn:
    return LiveOnesInTurn(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--soak"):
        campaigns = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in campaigns]
        config.hook.pytest_deselected(items=campaigns)


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether campaigns run whole."""
    return bool(request.config.getoption("--soak"))


@functools.cache
def _reason_not_to() -> str:
    try:
        preflight.require()
    except UsageError as error:
        return str(error)
    return ""
