"""Work that goes on beside the requests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

LOG = logging.getLogger(__name__)
PAUSE_SECONDS = 1.0


@contextlib.asynccontextmanager
async def background(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keep each of the works going while the block runs; one that fails is logged and begins anew."""
    tasks = [asyncio.create_task(_keep(work)) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_first(*works: Awaitable[None]) -> None:
    """Do all of the works at once until one of them is done; the others are broken off."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:  # a defect must not end it for good, unseen
            LOG.exception("%s begins anew", work)
        await asyncio.sleep(PAUSE_SECONDS)
