"""The functions and methods of CEL: the standard ones, strings and lists, URLs and addresses."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from meshctl.sandbox.apiserver.validation.cel.values import CelError, Duration, equal, no_overload, type_name
from meshctl.sandbox.apiserver.validation.golang import parse_duration

Function = Callable[..., Any]


def call(name: str, arguments: list[Any]) -> Any:
    """The value of a function of these arguments; a method's target is its first argument."""
    function = _FUNCTIONS.get(name)
    if function is None:
        raise CelError(f"undeclared reference to '{name}' (in container '')")
    try:
        return function(*arguments)
    except (TypeError, AttributeError) as error:
        raise no_overload() from error


def _converted(value: Any, wanted: str, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(value)
    except ValueError as error:
        raise CelError(f"type conversion error from '{type_name(value)}' to '{wanted}'") from error


def _integer(value: Any) -> int:
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]+", value):
        raise CelError("type conversion error from 'string' to 'int'")
    if isinstance(value, datetime):
        return int(value.timestamp())
    return int(_converted(value, "int", int))


def _unsigned(value: Any) -> int:
    number = int(_converted(value, "uint", int))
    if number < 0:
        raise CelError("unsigned integer overflow")
    return number


def _string(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return str(_converted(value, "string", bytes.decode))
        case Duration():
            return f"{value.nanoseconds / 10**9:g}s"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case float():
            return f"{value:g}"
        case SplitResult():
            return value.geturl()
    return str(value)


def _boolean(value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if value not in known:
        raise CelError("type conversion error from 'string' to 'bool'")
    return known[value]


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    return Duration(_converted(value, "google.protobuf.Duration", parse_duration))


def _timestamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    moment: datetime = _converted(value, "google.protobuf.Timestamp", datetime.fromisoformat)
    return moment


def _size(value: Any) -> int:
    if not isinstance(value, str | bytes | list | dict):
        raise no_overload()
    return len(value)


def _matches(text: str, pattern: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise CelError(f"error parsing regexp: {error}") from error


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise CelError(f"index out of range: {start}")
    if not start <= last <= len(text):
        raise CelError(f"index out of range: {last}")
    return text[start:last]


def _index_of(within: str | list[Any], wanted: Any) -> int:
    if isinstance(within, str):
        return within.find(wanted)
    return next((at for at, item in enumerate(within) if equal(item, wanted)), -1)


def _last_index_of(within: str | list[Any], wanted: Any) -> int:
    if isinstance(within, str):
        return within.rfind(wanted)
    return next((at for at in reversed(range(len(within))) if equal(within[at], wanted)), -1)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    if count in (0, 1):
        return [text][:count]
    return list(text) if separator == "" else text.split(separator, count - 1 if count > 0 else -1)


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found.group() if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [each.group() for each in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _is_sorted(items: list[Any]) -> bool:
    return all(left <= right for left, right in itertools.pairwise(items))


def _url(text: str) -> SplitResult:
    parts = _split_url(text)
    if parts is None:
        raise CelError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    return parts


def _split_url(text: str) -> SplitResult | None:
    """An absolute URI or an absolute path, as Go's url.ParseRequestURI takes them."""
    if not text or "#" in text or re.search(r"[\x00-\x20\x7f]", text):
        return None
    if not (text.startswith("/") or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text)):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    opaque = bool(parts.scheme) and not parts.netloc and not parts.path.startswith("/")
    return None if opaque and not text.partition(":")[2] else parts


def _escaped_path(url: SplitResult) -> str:
    return url.path


def _host(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _accepts(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def accepted(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return accepted


def _address(text: str) -> Any:
    return _converted(text, "net.IP", ip_address)


def _network(text: str) -> Any:
    return _converted(text, "net.CIDR", lambda value: ip_network(value, strict=False))


def _joined(items: list[str], separator: str = "") -> str:
    return separator.join(items)


def _sum(items: list[Any]) -> Any:
    return sum(items[1:], items[0]) if items else 0


def _seconds(value: Any) -> int:
    return int(value.nanoseconds // 10**9) if isinstance(value, Duration) else int(value.second)


def _in_zone(moment: datetime, zone: str | None) -> datetime:
    if zone is None or zone in ("UTC", "Z"):
        return moment.astimezone(UTC)
    found = re.fullmatch(r"([+-])?(\d\d):(\d\d)", zone)
    if found is None:
        raise CelError(f"unknown time zone {zone}")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return moment.astimezone(UTC) + (-offset if found[1] == "-" else offset)


def _part(name: str, shift: int = 0) -> Function:
    def part(moment: datetime, zone: str | None = None) -> int:
        return int(getattr(_in_zone(moment, zone), name)) + shift

    return part


_FUNCTIONS: dict[str, Function] = {
    "bool": _boolean,
    "bytes": lambda value: value if isinstance(value, bytes) else value.encode(),
    "charAt": lambda text, at: text[at : at + 1],
    "cidr": _network,
    "contains": lambda text, part: part in text,
    "containsIP": lambda network, address: (_address(address) if isinstance(address, str) else address) in network,
    "double": lambda value: _converted(value, "double", float),
    "duration": _duration,
    "dyn": lambda value: value,
    "endsWith": lambda text, end: text.endswith(end),
    "family": lambda address: address.version,
    "find": _find,
    "findAll": _find_all,
    "getDate": _part("day"),
    "getDayOfMonth": _part("day", -1),
    "getEscapedPath": _escaped_path,
    "getFullYear": _part("year"),
    "getHost": _host,
    "getHostname": lambda url: url.hostname or "",
    "getHours": lambda value: value.nanoseconds // 3600 // 10**9 if isinstance(value, Duration) else value.hour,
    "getMinutes": lambda value: value.nanoseconds // 60 // 10**9 if isinstance(value, Duration) else value.minute,
    "getMonth": _part("month", -1),
    "getPort": lambda url: str(url.port or ""),
    "getQuery": lambda url: parse_qs(url.query, keep_blank_values=True),
    "getScheme": lambda url: url.scheme,
    "getSeconds": _seconds,
    "indexOf": _index_of,
    "int": _integer,
    "ip": _address,
    "isCIDR": _accepts(lambda text: ip_network(text, strict=False)),
    "isIP": _accepts(ip_address),
    "isSorted": _is_sorted,
    "isURL": lambda text: _split_url(text) is not None,
    "join": _joined,
    "lastIndexOf": _last_index_of,
    "lowerAscii": lambda text: text.lower(),
    "matches": _matches,
    "max": lambda *items: max(items[0] if len(items) == 1 and isinstance(items[0], list) else items),
    "min": lambda *items: min(items[0] if len(items) == 1 and isinstance(items[0], list) else items),
    "prefixLength": lambda network: network.prefixlen,
    "replace": _replace,
    "reverse": lambda value: value[::-1],
    "size": _size,
    "split": _split,
    "startsWith": lambda text, start: text.startswith(start),
    "string": _string,
    "substring": _substring,
    "sum": _sum,
    "timestamp": _timestamp,
    "trim": lambda text: text.strip(),
    "type": type_name,
    "uint": _unsigned,
    "upperAscii": lambda text: text.upper(),
    "url": _url,
}
