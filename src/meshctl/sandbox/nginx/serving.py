"""Answers of one server: files below its root, over HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from meshctl.sandbox.nginx.configuration import Server

NAME = "nginx/1.27.0"
WELCOME = b"""<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. This is the sandbox's stand-in for it.</p>
</body>
</html>
"""
NO_CERTIFICATE = "No required SSL certificate was sent"


class Site:
    """Converses for one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Request after request until the client hangs up."""
        peer = (writer.get_extra_info("peername") or ("-",))[0]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = dict(_header(line) for line in lines[1:] if ":" in line)
                if length := headers.get("content-length", ""):
                    await reader.readexactly(int(length))
                method, target, version = (*lines[0].split(" "), "", "")[:3]
                status, kind, body = self._answer(method, target, self._uncertified(writer))
                stays = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
                writer.write(_response(status, kind, body, method, stays))
                await writer.drain()
                _log(peer, lines[0], status, len(body), headers)
                if not stays:
                    break
        writer.close()

    def _uncertified(self, writer: asyncio.StreamWriter) -> bool:
        tls = writer.get_extra_info("ssl_object")
        return bool(tls) and self._server.verify == "on" and not tls.getpeercert()

    def _answer(self, method: str, target: str, uncertified: bool) -> tuple[int, str, bytes]:
        if uncertified:
            return 400, "text/html", _page(400, NO_CERTIFICATE)
        if self._server.answer:
            status, text = self._server.answer
            return status, "text/plain", text.encode() or _page(status)
        if method not in ("GET", "HEAD"):
            return 405, "text/html", _page(405)
        return self._file(unquote(urlsplit(target).path))

    def _file(self, path: str) -> tuple[int, str, bytes]:
        root = self._server.root
        names = [path.lstrip("/")] if not path.endswith("/") else [path.lstrip("/") + one for one in self._server.index]
        for name in names:
            found = root / name
            if ".." not in Path(name).parts and found.is_file():
                return 200, mimetypes.guess_type(name)[0] or "application/octet-stream", found.read_bytes()
        if path == "/":
            return 200, "text/html", WELCOME
        return 404, "text/html", _page(404)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _page(status: int, detail: str = "") -> bytes:
    title = f"{status} {detail or HTTPStatus(status).phrase}"
    return f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
<hr><center>{NAME}</center>\r\n</body>\r\n</html>\r\n".encode()


def _response(status: int, kind: str, body: bytes, method: str, stays: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Server: {NAME}",
        f"Date: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if stays else 'close'}",
    ]
    return "\r\n".join((*lines, "", "")).encode() + (b"" if method == "HEAD" else body)


def _log(peer: str, request: str, status: int, size: int, headers: dict[str, str]) -> None:
    agent, forwarded = headers.get("user-agent", "-"), headers.get("x-forwarded-for", "-")
    when = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    sys.stdout.write(f'{peer} - - [{when}] "{request}" {status} {size} "-" "{agent}" "{forwarded}"\n')
    sys.stdout.flush()
