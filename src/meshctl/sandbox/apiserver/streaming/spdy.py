"""Frames of SPDY/3.1 as Kubernetes uses it: streams with headers, no flow control (moby/spdystream has none)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SYN_STREAM, SYN_REPLY, RST_STREAM, SETTINGS, PING, GOAWAY, HEADERS = 1, 2, 3, 4, 6, 7, 8
FIN = 1
CONTROL, VERSION = 0x8000, 3
HEAD = 8
PART = 1 << 16
HEADER_LIMIT = 1 << 16

WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status"
)
LATER_WORDS = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _sized(text: str) -> bytes:
    return struct.pack(">I", len(text)) + text.encode()


DICTIONARY = b"".join(_sized(word) for word in (*WORDS.split(), *LATER_WORDS)) + REST.encode()
"""What header blocks are compressed against (SPDY/3 draft, section 2.6.10.1); its Adler-32 is 0xe3c6a7c2."""


class Malformed(Exception):
    """Bytes that are no SPDY/3.1."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a stream; header names are in lower case."""

    stream: int
    headers: Mapping[str, str]
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; `ended`: the peer sends no more on it."""

    stream: int
    data: bytes
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The peer gave a stream up."""

    stream: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """To be answered with the same number."""

    number: int


Event = Opened | Data | Reset | Pinged


@dataclass(slots=True)
class Decoder:
    """Events out of the peer's bytes."""

    _pending: bytearray = field(default_factory=bytearray)
    _inflate: zlib._Decompress = field(default_factory=lambda: zlib.decompressobj(zdict=DICTIONARY))

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes; Malformed."""
        self._pending += data
        while len(self._pending) >= HEAD:
            first, flags_and_length = struct.unpack_from(">II", self._pending)
            length = flags_and_length & 0xFFFFFF
            if len(self._pending) < HEAD + length:
                return
            body = bytes(self._pending[HEAD : HEAD + length])
            del self._pending[: HEAD + length]
            event = self._event(first, flags_and_length >> 24, body)
            if event is not None:
                yield event

    def _event(self, first: int, flags: int, body: bytes) -> Event | None:
        ended = bool(flags & FIN)
        if not first >> 31:
            return Data(first, body, ended)
        if first >> 16 != CONTROL | VERSION:
            raise Malformed(f"a control frame of version {first >> 16 & 0x7FFF}, not {VERSION}")
        try:
            return self._control(first & 0xFFFF, body, ended)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise Malformed(str(error)) from None

    def _control(self, kind: int, body: bytes, ended: bool) -> Event | None:
        if kind == SYN_STREAM:
            return Opened(struct.unpack_from(">I", body)[0] & 0x7FFFFFFF, self._headers(body[10:]), ended)
        if kind in (SYN_REPLY, HEADERS):
            self._headers(body[4:])
        if kind == RST_STREAM:
            return Reset(struct.unpack_from(">I", body)[0] & 0x7FFFFFFF)
        return Pinged(struct.unpack_from(">I", body)[0]) if kind == PING else None

    def _headers(self, block: bytes) -> Mapping[str, str]:
        plain = self._inflate.decompress(block, HEADER_LIMIT)
        (count,), at, texts = struct.unpack_from(">I", plain), 4, []
        for _ in range(2 * min(count, HEADER_LIMIT)):
            (length,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + length].decode())
            at += 4 + length
        return {name.lower(): value for name, value in zip(texts[::2], texts[1::2], strict=True)}


@dataclass(slots=True)
class Encoder:
    """Frames for the peer."""

    _deflate: zlib._Compress = field(default_factory=lambda: zlib.compressobj(zdict=DICTIONARY))

    def accept(self, stream: int) -> bytes:
        """SYN_REPLY without headers."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control_frame(SYN_REPLY, struct.pack(">I", stream) + block)

    def data(self, stream: int, data: bytes, ended: bool = False) -> bytes:
        """Data frames."""
        parts = [data[at : at + PART] for at in range(0, len(data), PART)] or [b""]
        last = len(parts) - 1
        return b"".join(_data_frame(stream, part, ended and at == last) for at, part in enumerate(parts))

    def pong(self, number: int) -> bytes:
        """The answer to a ping."""
        return _control_frame(PING, struct.pack(">I", number))


def _control_frame(kind: int, body: bytes) -> bytes:
    return struct.pack(">HHI", CONTROL | VERSION, kind, len(body)) + body


def _data_frame(stream: int, data: bytes, ended: bool) -> bytes:
    return struct.pack(">II", stream, (FIN if ended else 0) << 24 | len(data)) + data
