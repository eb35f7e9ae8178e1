"""Work beside the requests goes on after a defect, and ends with its block."""

from __future__ import annotations

import asyncio
import logging

import pytest

from meshctl.sandbox.apiserver import background


def test_work_that_fails_is_logged_and_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.0)
    begun: list[int] = []

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise KeyError("a defect")
        await asyncio.Event().wait()

    async def run() -> None:
        async with background.background(work), asyncio.timeout(10):
            while len(begun) < 3:
                await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert len(begun) == 3
    assert caplog.text.count("begins anew") == 2
