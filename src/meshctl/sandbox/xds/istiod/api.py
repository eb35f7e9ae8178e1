"""A Kubernetes API server as the control plane uses it, with a bearer token; requests name their failure."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from meshctl.sandbox import watch_stream

LINE_LIMIT = 16 * 1024 * 1024
WATCH_SECONDS = 300
Object = dict[str, Any]
FAULTS = (aiohttp.ClientError, TimeoutError, OSError)


class ApiFault(Exception):
    """An answer that is an error; `code` is its HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """An API server's URL and its CA in PEM; `token` is asked for at each request, as mounted ones are replaced."""

    server: str
    authority: str
    token: Callable[[], str]
    insecure: bool = False


def in_pod(folder: Path, server: str) -> Address:
    """The server of a pod's own cluster, with the token and CA mounted in `folder`."""
    return Address(server, (folder / "ca.crt").read_text(), lambda: (folder / "token").read_text().strip())


def of_kubeconfig(content: bytes) -> Address:
    """The server that a remote secret's kubeconfig names; ValueError says what it lacks."""
    try:
        config = yaml.safe_load(content)
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        token: str = _named(config["users"], context["user"])["user"]["token"]
        authority = base64.b64decode(cluster.get("certificate-authority-data") or "").decode()
        insecure = bool(cluster.get("insecure-skip-tls-verify"))
        return Address(str(cluster["server"]), authority, lambda: token, insecure)
    except (KeyError, TypeError, yaml.YAMLError, binascii.Error, UnicodeDecodeError) as fault:
        raise ValueError(f"not a kubeconfig with cluster, context, user and token: {fault!r}") from None


def _named(entries: list[Object], name: str) -> Object:
    found = next((entry for entry in entries if entry["name"] == name), None)
    if found is None:
        raise KeyError(name)
    return found


class Api:
    """One server; `close` it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        connector = aiohttp.TCPConnector(ssl=_context(address), limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=30, connect=5), read_bufsize=LINE_LIMIT
        )

    async def close(self) -> None:
        """End its connections."""
        await self._session.close()

    async def ask(self, method: str, path: str, body: object = None, media: str = "application/json") -> Object:
        """The answer as JSON; ApiFault."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(
            method, self.address.server + path, data=data, headers=self._headers(media)
        ) as answer:
            text = await answer.text()
            found = _json(text)
            if answer.status >= 400:
                raise ApiFault(answer.status, str(found.get("message") or text or answer.status))
            return found

    async def watch(self, collection: str, query: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Each change after a version, until the server ends the watch; ApiFault, also for an ERROR event."""
        options = f"watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&{query}"
        timeout = aiohttp.ClientTimeout(total=None, connect=5, sock_read=WATCH_SECONDS + 30)
        url = f"{self.address.server}{collection}?{options}"
        async with self._session.get(url, timeout=timeout, headers=self._headers()) as answer:
            if answer.status >= 400:
                raise ApiFault(answer.status, str(_json(await answer.text()).get("message") or answer.status))
            async for event in watch_stream.events(answer):
                if event["type"] == "ERROR":
                    raise ApiFault(event["object"].get("code", 500), str(event["object"].get("message")))
                yield event["type"], event["object"]

    def _headers(self, media: str = "application/json") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.address.token()}", "Content-Type": media}


def _json(text: str) -> Object:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _context(address: Address) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=address.authority or None)
    if address.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
