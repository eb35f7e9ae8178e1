"""Where and how JSON text is wrong, in the words of Go's encoding/json (scanner.go)."""

from __future__ import annotations

import re

END = "unexpected end of JSON input"
MAX_DEPTH = 10000
BLANK = re.compile(rb"[ \t\r\n]*")
LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
ESCAPED = {
    "'": "\\'",
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\v": "\\v",
}
HEX = b"0123456789abcdefABCDEF"

# What may come next, and how a message names the place of what came instead.
VALUE, FIRST_VALUE, KEY, FIRST_KEY, COLON, AFTER_ITEM, AFTER_PAIR, AFTER_ALL = (
    "looking for beginning of value",
    "looking for beginning of value ",
    "looking for beginning of object key string",
    "looking for beginning of object key string ",
    "after object key",
    "after array element",
    "after object key:value pair",
    "after top-level value",
)


class _Wrong(Exception):
    """The message is found."""


def syntax_error(data: bytes) -> str:
    """The message for the first fault, empty if the text is a JSON document."""
    try:
        # Go, too, looks at a blank behind the end: what is cut short complains of that blank.
        _scan(data + b" ")
    except _Wrong as found:
        return str(found)
    return ""


def _scan(data: bytes) -> None:
    place, state, open_brackets = 0, VALUE, bytearray()
    while True:
        place = _past_blanks(data, place)
        if place == len(data):
            if state == AFTER_ALL:
                return
            raise _Wrong(END)
        char = data[place]
        if state in (VALUE, FIRST_VALUE) and char in b"{[":
            if len(open_brackets) >= MAX_DEPTH:
                raise _Wrong("exceeded max depth")
            open_brackets.append(char)
            place, state = place + 1, FIRST_KEY if char == ord("{") else FIRST_VALUE
        elif _closes(char, state):
            open_brackets.pop()
            place, state = place + 1, _after(open_brackets)
        elif state in (VALUE, FIRST_VALUE):
            place, state = _scalar(data, place), _after(open_brackets)
        else:
            place, state = _separator(data, place, state)


def _past_blanks(data: bytes, place: int) -> int:
    found = BLANK.match(data, place)
    return found.end() if found else place


def _closes(char: int, state: str) -> bool:
    if char == ord("]"):
        return state in (FIRST_VALUE, AFTER_ITEM)
    return char == ord("}") and state in (FIRST_KEY, AFTER_PAIR)


def _after(open_brackets: bytearray) -> str:
    if not open_brackets:
        return AFTER_ALL
    return AFTER_PAIR if open_brackets[-1] == ord("{") else AFTER_ITEM


def _separator(data: bytes, place: int, state: str) -> tuple[int, str]:
    """Past a key, a colon or a comma."""
    char = data[place]
    if state in (KEY, FIRST_KEY) and char == ord('"'):
        return _string(data, place), COLON
    if state == COLON and char == ord(":"):
        return place + 1, VALUE
    if state in (AFTER_ITEM, AFTER_PAIR) and char == ord(","):
        return place + 1, VALUE if state == AFTER_ITEM else KEY
    raise _unexpected(char, state.strip())


def _unexpected(char: int, where: str) -> _Wrong:
    return _Wrong(f"invalid character {_quoted(char)} {where}")


def _quoted(char: int) -> str:
    text = chr(char)
    if text in ESCAPED:
        return f"'{ESCAPED[text]}'"
    if text.isprintable():
        return f"'{text}'"
    return f"'\\x{char:02x}'" if char < 0x80 else f"'\\u{char:04x}'"


def _scalar(data: bytes, place: int) -> int:
    char = data[place]
    if char == ord('"'):
        return _string(data, place)
    if char in LITERALS:
        return _literal(data, place, LITERALS[char])
    if char in b"-0123456789":
        return _number(data, place)
    raise _unexpected(char, VALUE)


def _literal(data: bytes, place: int, word: bytes) -> int:
    for step, expected in enumerate(word):
        if data[place + step] != expected:
            raise _unexpected(data[place + step], f"in literal {word.decode()} (expecting '{chr(expected)}')")
    return place + len(word)


def _number(data: bytes, place: int) -> int:
    found = NUMBER.match(data, place)
    end = found.end() if found else place + 1
    if not found:
        raise _unexpected(data[end], "in numeric literal")
    rest = data[end : end + 1]
    if rest == b"." and not found[2] and not found[3]:
        raise _unexpected(data[end + 1], "after decimal point in numeric literal")
    if rest in (b"e", b"E") and not found[3]:
        signed = data[end + 1 : end + 2] in (b"+", b"-")
        raise _unexpected(data[end + 1 + signed], "in exponent of numeric literal")
    return end


def _string(data: bytes, place: int) -> int:
    """The place behind a string that starts at `place`."""
    place += 1
    while place < len(data):
        char = data[place]
        if char == ord('"'):
            return place + 1
        if char < 0x20:
            raise _unexpected(char, "in string literal")
        place = _escape(data, place + 1) if char == ord("\\") else place + 1
    raise _Wrong(END)


def _escape(data: bytes, place: int) -> int:
    if data[place] not in b'bfnrt\\/"u':
        raise _unexpected(data[place], "in string escape code")
    if data[place : place + 1] == b"u":
        for char in data[place + 1 : place + 5]:
            if char not in HEX:
                raise _unexpected(char, "in \\u hexadecimal character escape")
        return place + 5
    return place + 1
