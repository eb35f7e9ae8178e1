"""The answer to a watch, which goes on for minutes: one JSON event a line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Each event as it comes, until the server ends the watch; aiohttp.ClientError if the connection ends."""
    lines = aiter(answer.content)
    while True:
        try:
            line = await anext(lines)
        except StopAsyncIteration:
            return
        except RuntimeError as fault:
            # aiohttp's for a connection that ended between two reads.
            raise aiohttp.ClientConnectionError(str(fault)) from fault
        yield json.loads(line)
