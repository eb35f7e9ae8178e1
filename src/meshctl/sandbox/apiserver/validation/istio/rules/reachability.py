"""Rules of a VirtualService that never match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, warning


@dataclass(frozen=True)
class _Prefix:
    """A match by the path's prefix, and what else it asks for."""

    route: str
    match: str
    path: str
    port: int
    method: str
    authority: str
    others: tuple[dict[str, str], ...]


def unused_rules(routes: Sequence[Record]) -> Problems:
    """Warnings of rules and matches that earlier ones leave nothing to."""
    seen: dict[str, int] = {}
    unconditional = False
    for at, route in enumerate(routes):
        if not route.match:
            if unconditional:
                yield _unused(_name(route, at), "only the last rule can have no matches")
            unconditional = True
        elif unconditional:
            for _ in route.match:
                yield _unused(_name(route, at), "route without matches defined before")
        else:
            yield from _repeated(routes, at, seen)
    yield from _covered(list(_prefixes(routes)))


def _unused(route: str, reason: str) -> Problem:
    return warning(f"virtualService rule {route} not used ({reason})")


def _ineffective(route: str, match: str, earlier: str) -> Problem:
    reason = f"duplicate/overlapping match in rule {earlier}"
    return warning(f"virtualService rule {route} match {match} is not used ({reason})")


def _name(item: Record, at: int) -> str:
    name = item.name if item.holds("name") else ""
    return quote(name) if name else f"#{at}"


def _condition(match: Record) -> str:
    """What a match asks for, whatever its name."""
    name = f'"name":{quote(match.name)}' if match.holds("name") else ""
    text = match.as_json
    return text.replace(f"{name},", "").replace(f",{name}", "").replace(name, "") if name else text


def _repeated(routes: Sequence[Record], at: int, seen: dict[str, int]) -> Problems:
    route = routes[at]
    repeated = 0
    for index, match in enumerate(route.match):
        condition = _condition(match)
        if condition in seen:
            earlier = seen[condition]
            yield _ineffective(_name(route, at), _name(match, index), _name(routes[earlier], earlier))
            repeated += 1
        else:
            seen[condition] = at
    if repeated == len(route.match):
        yield _unused(_name(route, at), "all matches used by prior rules")


def _prefixes(routes: Sequence[Record]) -> Iterator[_Prefix]:
    seen: set[str] = set()
    for at, route in enumerate(routes):
        if not route.match:
            return
        for index, match in enumerate(route.match):
            condition = _condition(match)
            if condition not in seen and match.holds("uri") and match.uri.prefix:
                yield _prefix(route, at, match, index)
            seen.add(condition)


def _prefix(route: Record, at: int, match: Record, index: int) -> _Prefix:
    parts = (match.headers, match.queryParams, match.withoutHeaders)
    return _Prefix(
        route=_name(route, at),
        match=_name(match, index),
        path=match.uri.prefix,
        port=match.port,
        method=_text(match.method) or "exact:GET",
        authority=_text(match.authority),
        others=tuple({name: _text(wanted) for name, wanted in part.items()} for part in parts),
    )


def _text(wanted: Record | None) -> str:
    if wanted is None:
        return ""
    if wanted.exact:
        return f"exact:{wanted.exact}"
    return f"prefix:{wanted.prefix}" if wanted.prefix else ""


def _covered(prefixes: Sequence[_Prefix]) -> Problems:
    for at, wide in enumerate(prefixes):
        for narrow in prefixes[at + 1 :]:
            if narrow.path != wide.path and _covers(wide, narrow):
                match = f"{narrow.match} of prefix {narrow.path}"
                yield _ineffective(narrow.route, match, f"{wide.match} of prefix {wide.path} on {wide.route}")


def _covers(wide: _Prefix, narrow: _Prefix) -> bool:
    return (
        narrow.path.startswith(wide.path)
        and narrow.port == wide.port
        and wide.method.startswith(narrow.method)
        and wide.authority.startswith(narrow.authority)
        and all(_all_start(*pair) for pair in zip(wide.others, narrow.others, strict=True))
    )


def _all_start(wide: dict[str, str], narrow: dict[str, str]) -> bool:
    return wide.keys() == narrow.keys() and all(wide[name].startswith(narrow[name]) for name in wide)
