"""Which tests run: live ones need root and the sandbox's packages, campaigns are whole only with --soak."""

from __future__ import annotations

import functools
import os

import pytest

from meshctl.errors import UsageError
from meshctl.sandbox import preflight


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long campaigns whole instead of a sample of each")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("live") and (reason := _reason_not_to()):
        # In CI nothing may pass by not running.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # They count what is on the machine: they never run beside one another.
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.xdist_group("live"))


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
