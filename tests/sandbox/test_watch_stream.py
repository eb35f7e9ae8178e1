"""Watches end in ways that their readers know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from meshctl.sandbox import watch_stream


def read(content: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    async def reading() -> None:
        async for event in watch_stream.events(cast(aiohttp.ClientResponse, SimpleNamespace(content=content))):
            found.append(event)

    asyncio.run(reading())
    return found


async def lines(fault: Exception | None) -> AsyncIterator[bytes]:
    yield b'{"type": "ADDED"}\n'
    yield b'{"type": "DELETED"}\n'
    if fault:
        raise fault


def test_events_come_one_by_one_until_the_server_ends_the_watch() -> None:
    assert [event["type"] for event in read(lines(None))] == ["ADDED", "DELETED"]


def test_a_connection_that_ends_between_two_reads_is_a_client_error() -> None:
    # What aiohttp 3.14's streams.py raises then is a RuntimeError, which nobody takes for a lost connection.
    with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
        read(lines(RuntimeError("Connection closed.")))
