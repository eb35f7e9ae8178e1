"""Everything that reaches a person's screen: text, tables, JSON, warnings and errors."""

from __future__ import annotations

import json as _json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, TextIO

GAP = "   "
RED, YELLOW, GREEN, BOLD, DIM = "31", "33", "32", "1", "2"


class Format(StrEnum):
    """How a command prints its data."""

    table = "table"
    json = "json"


def say(text: str = "") -> None:
    """Print a line."""
    print(text)


def write(data: bytes) -> None:
    """Pass on what another program wrote, as it is and at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns under upper-case headers, as kubectl does; an empty cell is shown as `-`."""
    lines = [[header.upper() for header in headers], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    for number, line in enumerate(lines):
        text = GAP.join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip()
        print(paint(text, BOLD) if number == 0 else text)


def fits(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    """Whether a table is no wider than the terminal; it always is where there is none."""
    widths = (max(len(_cell(line[i])) for line in (headers, *rows)) for i in range(len(headers)))
    return not sys.stdout.isatty() or sum(widths) + len(GAP) * (len(headers) - 1) <= columns()


def columns() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size().columns


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def json(value: Any) -> None:
    """Print a value as indented JSON; anything that is not JSON is shown as text."""
    print(_json.dumps(value, indent=2, default=str))


def warn(text: str) -> None:
    """Print a warning to standard error."""
    print(f"{paint('warning:', YELLOW, sys.stderr)} {text}", file=sys.stderr)


def error(text: str) -> None:
    """Print an error to standard error, one line for each problem."""
    print(f"{paint('error:', RED, sys.stderr)} {text}", file=sys.stderr)


def next_step(text: str) -> None:
    """Tell what to type next."""
    print(f"\n{paint('next:', GREEN)} {text}")


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show `text` on a terminal while something longer than a second is under way."""
    terminal = sys.stderr.isatty()
    if terminal:
        print(paint(f"{text} …", DIM, sys.stderr), end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def transient(text: str) -> None:
    """Show what is under way on the terminal's last line; the next line replaces it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{paint(text, DIM, sys.stderr)}", end="", file=sys.stderr, flush=True)


def progress_line(text: str, color: str) -> None:
    """Show that something is done, or has failed."""
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{clear}{paint(text, color, sys.stderr)}", file=sys.stderr, flush=True)


def paint(text: str, code: str, stream: TextIO | None = None) -> str:
    """`text` in a colour where `stream` (standard output) is a terminal and NO_COLOR is not set."""
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"
