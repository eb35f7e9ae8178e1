"""What a route adds to, sets in and removes from the headers of requests and responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.xds.message import Json

_ADD, _SET = None, "OVERWRITE_IF_EXISTS_OR_ADD"
_FIELDS = (
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
)


@dataclass(frozen=True, slots=True)
class HeaderChanges:
    """Envoy's header lists of a route, and the authority that they ask for."""

    request_headers_to_add: tuple[Json, ...] = ()
    request_headers_to_remove: tuple[str, ...] = ()
    response_headers_to_add: tuple[Json, ...] = ()
    response_headers_to_remove: tuple[str, ...] = ()
    authority: str = ""

    def fields(self) -> Json:
        """The lists that hold something."""
        return {name: list(items) for name in _FIELDS if (items := getattr(self, name))}

    def followed_by(self, later: HeaderChanges) -> HeaderChanges:
        """Both one after the other, but of two authorities the first: the route's own beats its destination's."""
        lists = {name: getattr(self, name) + getattr(later, name) for name in _FIELDS}
        return HeaderChanges(**lists, authority=self.authority or later.authority)


NONE = HeaderChanges()


def changes(headers: Mapping[str, Any] | None) -> HeaderChanges:
    """The changes of an Istio `Headers` block; `host` and pseudo headers can only replace the authority."""
    if not headers:
        return NONE
    request, response = headers.get("request") or {}, headers.get("response") or {}
    put, add = request.get("set") or {}, request.get("add") or {}
    return HeaderChanges(
        request_headers_to_add=(*_values(put, _SET), *_values(add, _ADD)),
        request_headers_to_remove=_removable(request.get("remove") or ()),
        response_headers_to_add=(
            *_values(response.get("set") or {}, _SET),
            *_values(response.get("add") or {}, _ADD),
        ),
        response_headers_to_remove=_removable(response.get("remove") or ()),
        authority=_authority(put) or _authority(add),
    )


def _values(headers: Mapping[str, str], action: str | None) -> list[Json]:
    # Appending is Envoy's default action, which its JSON leaves out.
    options: Json = {"append_action": action} if action else {}
    return [
        {"header": {"key": key} | ({"value": value} if value else {}), **options}
        for key, value in sorted(headers.items())
        if not _is_internal(key)
    ]


def _removable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not _is_internal(name))


def _is_internal(key: str) -> bool:
    return key.startswith(":") or key.lower() == "host"


def _authority(headers: Mapping[str, str]) -> str:
    return next((value for key, value in headers.items() if key.lower() in (":authority", "host")), "")
