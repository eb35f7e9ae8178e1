"""nginx.conf: its blocks and directives, and the servers that they describe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT = "events {} http { server { listen 80; root /usr/share/nginx/html; index index.html; } }"
_TOKEN = re.compile(
    r"\s+|#[^\n]*"
    r"|(?P<quoted>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"
    r"|(?P<mark>[;{}])"
    r"|(?P<word>[^\s;{}\"'#]+)"
)


class BadConfiguration(ValueError):
    """What nginx would refuse to start with."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A name, its words, and what its block holds."""

    name: str
    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self, name: str) -> Iterator[Directive]:
        """The directives of that name in its block."""
        return (one for one in self.block if one.name == name)

    def word(self, name: str, default: str = "") -> str:
        """The first word of the first directive of that name."""
        return next((one.words[0] for one in self.all(name) if one.words), default)


@dataclass(frozen=True, slots=True)
class Server:
    """`ports` with whether each speaks TLS; `verify`: on, optional or off; `answer`: status and text of a `return`."""

    ports: tuple[tuple[int, bool], ...]
    names: tuple[str, ...] = ()
    root: Path = Path("/usr/share/nginx/html")
    index: tuple[str, ...] = ("index.html",)
    certificate: str = ""
    key: str = ""
    authority: str = ""
    verify: str = "off"
    answer: tuple[int, str] | None = field(default=None)


def servers(text: str) -> tuple[Server, ...]:
    """The servers of a configuration; BadConfiguration."""
    top = Directive("main", (), parse(text))
    return tuple(_server(one, http) for http in top.all("http") for one in http.all("server"))


def parse(text: str) -> tuple[Directive, ...]:
    """The directives; BadConfiguration if braces or semicolons are missing."""
    parts = list(_parts(text))
    found, position = _block(parts, 0, nested=False)
    if position != len(parts):
        raise BadConfiguration('unexpected "}"')
    return found


def _parts(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise BadConfiguration(f"unexpected {text[position : position + 10]!r}")
        position = found.end()
        if found["quoted"]:
            yield "=" + re.sub(r"\\(.)", r"\1", found["quoted"][1:-1])
        elif found["mark"]:
            yield found["mark"]
        elif found["word"]:
            yield "=" + found["word"]


def _block(parts: Sequence[str], position: int, nested: bool) -> tuple[tuple[Directive, ...], int]:
    found: list[Directive] = []
    words: list[str] = []
    while position < len(parts):
        part = parts[position]
        position += 1
        if part == "}":
            if words or not nested:
                raise BadConfiguration(f'unexpected "}}" after {" ".join(words) or "the last block"}')
            return tuple(found), position
        if part.startswith("="):
            words.append(part[1:])
            continue
        if not words:
            raise BadConfiguration(f'unexpected "{part}"')
        inner: tuple[Directive, ...] = ()
        if part == "{":
            inner, position = _block(parts, position, nested=True)
        found.append(Directive(words[0], tuple(words[1:]), inner))
        words = []
    if nested or words:
        raise BadConfiguration('unexpected end of file, expecting ";" or "}"')
    return tuple(found), position


def _server(one: Directive, http: Directive) -> Server:
    def word(name: str, default: str = "") -> str:
        return one.word(name) or http.word(name, default)

    listens = [(_port(listen.words[0]), "ssl" in listen.words) for listen in one.all("listen") if listen.words]
    old = one.word("ssl") == "on"
    place = next((block for block in one.all("location") if block.words == ("/",)), one)
    answer = next(iter((*place.all("return"), *one.all("return"))), None)
    return Server(
        tuple((port, tls or old) for port, tls in listens) or ((80, False),),
        tuple(name for names in one.all("server_name") for name in names.words),
        Path(place.word("root") or word("root", "/usr/share/nginx/html")),
        next((index.words for index in (*place.all("index"), *one.all("index"))), ("index.html",)),
        word("ssl_certificate"),
        word("ssl_certificate_key"),
        word("ssl_client_certificate"),
        word("ssl_verify_client", "off"),
        (int(answer.words[0]), " ".join(answer.words[1:])) if answer and answer.words else None,
    )


def _port(text: str) -> int:
    port = text.rpartition(":")[2]
    if not port.isdecimal():
        raise BadConfiguration(f'invalid port in "{text}" of the "listen" directive')
    return int(port)
