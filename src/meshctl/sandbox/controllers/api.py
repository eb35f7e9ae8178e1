"""The cluster's API over HTTPS: requests that name their failure, and lists that are watched for ever."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from meshctl.sandbox import watch_stream
from meshctl.sandbox.controllers.config import Config

LOG = logging.getLogger(__name__)
MERGE = "application/merge-patch+json"
RETRY_SECONDS = 0.2
WATCH_SECONDS = 300
LINE_LIMIT = 16 * 1024 * 1024
Object = dict[str, Any]
FAULTS = (aiohttp.ClientError, TimeoutError, OSError)


class ApiFault(Exception):
    """An answer that is an error; `code` is its HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """One server; use `session` to open it."""

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, media: str = "application/json"
    ) -> Object:
        """The answer as JSON; ApiFault."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(
            method, self._server + path, data=data, headers={"Content-Type": media}
        ) as answer:
            found: Object = await answer.json(content_type=None)
            if answer.status >= 400:
                raise ApiFault(answer.status, str(found.get("message", answer.status)))
            return found

    async def ensure(self, collection: str, obj: Mapping[str, Any]) -> bool:
        """Create an object; False if there is one."""
        try:
            await self.ask("POST", collection, obj)
        except ApiFault as fault:
            if fault.code == 409:
                return False
            raise
        return True

    async def follow(self, collection: str, query: str = "") -> AsyncIterator[tuple[str, Object]]:
        """Every object there is as ADDED, then each change, for ever; after a lost watch it begins anew."""
        while True:
            try:
                listed = await self.ask("GET", f"{collection}?{query}")
                for one in listed.get("items", ()):
                    yield "ADDED", one
                async for event in self.watch(collection, query, listed["metadata"]["resourceVersion"]):
                    yield event
            except (*FAULTS, ApiFault) as fault:
                LOG.info("watch of %s: %s", collection, fault)
            await asyncio.sleep(RETRY_SECONDS)

    async def watch(self, collection: str, query: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Changes after a version, until the server ends the watch; ApiFault."""
        options = f"watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}&{query}"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=WATCH_SECONDS + 30)
        async with self._session.get(f"{self._server}{collection}?{options}", timeout=timeout) as answer:
            if answer.status >= 400:
                raise ApiFault(answer.status, await answer.text())
            async for event in watch_stream.events(answer):
                if event["type"] == "ERROR":
                    raise ApiFault(event["object"].get("code", 500), str(event["object"].get("message")))
                yield event["type"], event["object"]


def session(config: Config) -> aiohttp.ClientSession:
    """Connections with our certificate, to the server of our authority only."""
    context = ssl.create_default_context(cafile=str(config.authority))
    context.load_cert_chain(config.certificate, config.key)
    connector = aiohttp.TCPConnector(ssl=context)
    timeout = aiohttp.ClientTimeout(total=30)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=LINE_LIMIT)
