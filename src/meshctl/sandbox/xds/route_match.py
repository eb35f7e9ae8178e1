"""Which requests a route takes: VirtualService match conditions as Envoy's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds.message import Json, message

Condition = Mapping[str, Any]

_JWT_CLAIMS = "@request.auth.claims"
ANYTHING: Json = {"prefix": "/"}


def route_match(condition: Condition | None) -> Json:
    """The match of one HTTPMatchRequest; None takes every path (Istio core/route/route.go)."""
    if condition is None:
        return dict(ANYTHING)
    wanted, unwanted = condition.get("headers") or {}, condition.get("withoutHeaders") or {}
    return message(
        **_path(condition.get("uri") or {}),
        case_sensitive=not condition.get("ignoreUriCase", False),
        headers=_headers(wanted, unwanted) + _request_line(condition),
        query_parameters=_query_parameters(condition.get("queryParams") or {}),
        dynamic_metadata=_claims(wanted, unwanted),
    )


def is_catch_all(match: Json) -> bool:
    """Whether no request is left for a later route."""
    everything = match.get("prefix") == "/" or match.get("safe_regex") == {"regex": ".*"}
    return everything and not {"headers", "query_parameters", "dynamic_metadata"} & match.keys()


def string_matcher(match: Mapping[str, str]) -> Json | None:
    """Envoy's StringMatcher of an Istio StringMatch; None for the empty one."""
    for kind in ("exact", "prefix"):
        if kind in match:
            return {kind: match[kind]}
    return {"safe_regex": {"regex": match["regex"]}} if "regex" in match else None


def _path(uri: Mapping[str, str]) -> Json:
    if "exact" in uri:
        return {"path": uri["exact"]}
    if "regex" in uri:
        return {"safe_regex": {"regex": uri["regex"]}}
    return {"prefix": uri.get("prefix", "/")}


def _headers(wanted: Mapping[str, Condition], unwanted: Mapping[str, Condition]) -> list[Json]:
    matchers = [_header(name, match) for name, match in wanted.items() if not _claim_path(name)]
    matchers += [_absent(name, match) for name, match in unwanted.items() if not _claim_path(name)]
    return sorted(matchers, key=lambda matcher: str(matcher["name"]))


def _request_line(condition: Condition) -> list[Json]:
    parts = ("method", "authority", "scheme")
    return [_header(f":{part}", condition[part]) for part in parts if condition.get(part) is not None]


def _header(name: str, match: Condition | None) -> Json:
    return {"name": name, **_value(match)}


def _absent(name: str, match: Condition | None) -> Json:
    # A missing header counts as empty, so that "not this value" holds without it; Envoy refuses that
    # together with present_match.
    missing = {} if _is_presence(match) else {"treat_missing_header_as_empty": True}
    return {**_header(name, match), "invert_match": True, **missing}


def _query_parameters(parameters: Mapping[str, Condition]) -> list[Json]:
    """By name: Istio leaves them in the order of a Go map."""
    return [{"name": name, **_value(match)} for name, match in sorted(parameters.items())]


def _value(match: Condition | None) -> Json:
    if match is None or _is_presence(match):
        return {"present_match": True}
    return {"string_match": string_matcher(match)}


def _is_presence(match: Condition | None) -> bool:
    """Nothing to compare with, or the regex `*`, which is none but means "any"."""
    return not match or match.get("regex") == "*"


def _claims(wanted: Mapping[str, Condition], unwanted: Mapping[str, Condition]) -> list[Json]:
    found = [_claim(path, match) for name, match in wanted.items() if (path := _claim_path(name))]
    found += [
        {**_claim(path, match), "invert": True} for name, match in unwanted.items() if (path := _claim_path(name))
    ]
    return found


def _claim_path(header: str) -> list[str]:
    """`@request.auth.claims.group.id` or `@request.auth.claims[group][id]`: a claim of the JWT, no header."""
    if not header.lower().startswith(_JWT_CLAIMS):
        return []
    name = header[len(_JWT_CLAIMS) :]
    if name.startswith(".") and len(name) > 1:
        return name[1:].split(".")
    if name.startswith("[") and name.endswith("]") and len(name) > 2:
        return name[1:-1].split("][")
    return []


def _claim(path: list[str], match: Condition) -> Json:
    value = {"string_match": string_matcher(match or {}) or {}}
    alternatives = [{"list_match": {"one_of": value}}, value]
    return {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": key} for key in ("payload", *path)],
        "value": {"or_match": {"value_matchers": alternatives}},
    }
