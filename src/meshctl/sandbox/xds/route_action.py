"""What becomes of a request that a route takes: forward, redirect, answer at once; rewrite and mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.sandbox.xds import duration, hash_policy, header_changes, retry_policy
from meshctl.sandbox.xds.header_changes import HeaderChanges
from meshctl.sandbox.xds.http_connection import proxy_headers
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.place import Place
from meshctl.sandbox.xds.route_filters import per_hundred, per_million

Fields = Mapping[str, Any]
Built = tuple[Json, HeaderChanges]

_DEFAULT_PORTS = {"http": 80, "https": 443}
# 301 is Envoy's default, which its JSON leaves out.
_REDIRECT_CODES = {
    301: "",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


def action(route: Fields, place: Place, changes: HeaderChanges) -> Built:
    """`{redirect | direct_response | route: ...}` of an HTTPRoute, and all header changes of the route."""
    if route.get("redirect") is not None:
        return _redirect(route["redirect"], place), changes
    if route.get("directResponse") is not None:
        return {"direct_response": _direct_response(route["directResponse"])}, changes
    return _forward(route, place, changes)


def _redirect(redirect: Fields, place: Place) -> Json:
    code = _REDIRECT_CODES.get(redirect.get("redirectCode") or 301)
    if code is None:
        return {}
    prefix = redirect.get("prefixRewrite")
    path = {"prefix_rewrite": prefix} if prefix else {"path_redirect": redirect.get("uri") or ""}
    fields = message(
        host_redirect=redirect.get("authority"),
        scheme_redirect=redirect.get("scheme"),
        port_redirect=_redirect_port(redirect, place) or None,
        response_code=code,
    )
    return {"redirect": fields | path}


def _redirect_port(redirect: Fields, place: Place) -> int:
    """The port to go to, unless it is the scheme's own."""
    port: int = redirect.get("port") or 0
    if redirect.get("derivePort") == "FROM_REQUEST_PORT":
        port = place.port
    scheme = redirect.get("scheme") or ("https" if place.tls else "http")
    return 0 if port == _DEFAULT_PORTS.get(scheme) else port


def _direct_response(response: Fields) -> Json:
    body = response.get("body") or {}
    if "string" in body:
        content: Json | None = {"inline_string": body["string"]}
    else:
        content = {"inline_bytes": body["bytes"]} if "bytes" in body else None
    return message(status=response.get("status") or None, body=content)


def _forward(route: Fields, place: Place, changes: HeaderChanges) -> Built:
    rewrite = route.get("rewrite") or {}
    destinations = route.get("route") or ()
    target, changes = _target(destinations, place, changes)
    hashes = [found for entry in _used(destinations) if (found := _hash(entry, place))]
    timeout = duration.proto(route.get("timeout")) or duration.ZERO
    authority = rewrite.get("authority") or changes.authority
    fields = message(
        **target,
        timeout=timeout,
        max_grpc_timeout=timeout,
        retry_policy=_retry_policy(route, place, hashed=len(destinations) == 1 and bool(hashes)),
        hash_policy=hashes,
        host_rewrite_literal=authority,
        request_mirror_policies=list(_mirrors(route, place)),
        **_path_rewrite(route, place),
    )
    return {"route": fields}, changes


def _retry_policy(route: Fields, place: Place, *, hashed: bool) -> Json | None:
    retries = route.get("retries")
    if retries is None:
        retries = place.site.settings.raw.get("defaultHttpRetryPolicy")
    return retry_policy.policy(retries, hashed=hashed)


def _path_rewrite(route: Fields, place: Place) -> Json:
    rewrite = route.get("rewrite")
    if rewrite is None:
        return {}
    out: Json = {}
    regex = rewrite.get("uriRegexRewrite")
    if regex is not None:
        pattern = message(regex=regex.get("match"))
        out["regex_rewrite"] = message(pattern=pattern, substitution=regex.get("rewrite"))
    elif rewrite.get("uri"):
        out["prefix_rewrite"] = rewrite["uri"]
    if (proxy_headers(place.site.settings).get("xForwardedHost") or {}).get("enabled"):
        out["append_x_forwarded_host"] = True
    return out


def _used(destinations: Sequence[Fields]) -> list[Fields]:
    """Among several destinations those without weight get nothing."""
    if len(destinations) == 1:
        return list(destinations)
    return [entry for entry in destinations if entry.get("weight")]


def _target(destinations: Sequence[Fields], place: Place, changes: HeaderChanges) -> Built:
    if len(destinations) != 1:
        weights = [_weight(entry, place) for entry in _used(destinations)]
        return {"weighted_clusters": message(clusters=weights)}, changes
    own = header_changes.changes(destinations[0].get("headers"))
    merged = changes.followed_by(own)
    return {"cluster": place.cluster(destinations[0].get("destination") or {})}, merged


def _weight(entry: Fields, place: Place) -> Json:
    own = header_changes.changes(entry.get("headers"))
    return message(
        name=place.cluster(entry.get("destination") or {}),
        weight=entry["weight"],
        host_rewrite_literal=own.authority,
        **own.fields(),
    )


def _hash(entry: Fields, place: Place) -> Json | None:
    destination = entry.get("destination") or {}
    rule = place.site.rule(destination.get("host") or "")
    return None if rule is None else hash_policy.of_destination(rule, destination)


def _mirrors(route: Fields, place: Place) -> Iterator[Json]:
    if route.get("mirror") is not None:
        yield from _mirror(route["mirror"], _mirror_share(route), place)
    for mirror in route.get("mirrors") or ():
        if mirror.get("destination") is not None:
            yield from _mirror(mirror["destination"], _share(mirror.get("percentage")), place)


def _mirror(destination: Fields, share: Json | None, place: Place) -> Iterator[Json]:
    if share is not None:
        yield {
            "cluster": place.cluster(destination),
            "runtime_fraction": {"default_value": share},
            "trace_sampled": False,
            "disable_shadow_host_suffix_append": True,
        }


def _mirror_share(route: Fields) -> Json | None:
    if route.get("mirrorPercentage") is not None or route.get("mirrorPercent") is None:
        return _share(route.get("mirrorPercentage"))
    return per_hundred(route["mirrorPercent"]) or None


def _share(percentage: Fields | None) -> Json | None:
    """How many requests are mirrored: all of them if nothing is said, None for an explicit zero."""
    if percentage is None:
        return per_hundred(100)
    return per_million(percentage) if (percentage.get("value") or 0) > 0 else None
