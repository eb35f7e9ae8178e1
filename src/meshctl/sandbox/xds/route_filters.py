"""Faults and CORS of single routes, as configuration of the filters that every connection manager has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, message, typed
from meshctl.sandbox.xds.route_match import string_matcher

# Numbers of gRPC's status codes (grpc/grpc-go codes).
_GRPC_STATUS = {
    name: number
    for number, name in enumerate(
        (
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        )
    )
}


def per_filter_config(route: Mapping[str, Any]) -> Json | None:
    """`typed_per_filter_config` of an HTTPRoute with `fault` or `corsPolicy`."""
    config: Json = {}
    if route.get("fault") is not None:
        config["envoy.filters.http.fault"] = fault(route["fault"])
    if route.get("corsPolicy") is not None:
        config["envoy.filters.http.cors"] = cors(route["corsPolicy"])
    return config or None


def fault(injection: Mapping[str, Any]) -> Json:
    """Envoy's HTTPFault: a delay, an abort, or both."""
    return typed(
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        delay=_delay(injection.get("delay")),
        abort=_abort(injection.get("abort")),
    )


def _delay(delay: Mapping[str, Any] | None) -> Json | None:
    if not delay or "fixedDelay" not in delay:
        return None
    share = delay.get("percentage")
    percentage = per_million(share) if share is not None else per_hundred(delay.get("percent") or 0)
    return {"fixed_delay": duration.proto(delay["fixedDelay"]), "percentage": percentage}


def _abort(abort: Mapping[str, Any] | None) -> Json | None:
    if not abort:
        return None
    percentage = per_million(abort["percentage"]) if abort.get("percentage") is not None else None
    if "grpcStatus" in abort:
        return message(grpc_status=_GRPC_STATUS.get(abort["grpcStatus"], 0), percentage=percentage)
    if "httpStatus" in abort:
        return message(http_status=abort["httpStatus"], percentage=percentage)
    return None


def per_million(percentage: Mapping[str, float]) -> Json:
    """A `Percent`, cut to whole millionths as Istio does."""
    return _fraction(int((percentage.get("value") or 0) * 10_000)) | {"denominator": "MILLION"}


def per_hundred(percent: int) -> Json:
    """A whole percentage; HUNDRED is the default denominator."""
    return _fraction(percent)


def _fraction(numerator: int) -> Json:
    return {"numerator": numerator} if numerator else {}


def cors(policy: Mapping[str, Any]) -> Json:
    """Envoy's CorsPolicy; a preflight that matches no origin goes on to the application unless IGNORE."""
    return typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=_origins(policy),
        allow_credentials=policy.get("allowCredentials"),
        allow_headers=",".join(policy.get("allowHeaders") or ()),
        allow_methods=",".join(policy.get("allowMethods") or ()),
        expose_headers=",".join(policy.get("exposeHeaders") or ()),
        max_age=_seconds(policy.get("maxAge")),
        filter_enabled={"default_value": per_hundred(100)},
        forward_not_matching_preflights=policy.get("unmatchedPreflights") != "IGNORE",
    )


def _origins(policy: Mapping[str, Any]) -> list[Json]:
    if policy.get("allowOrigins") is not None:
        matchers = (string_matcher(origin) for origin in policy["allowOrigins"])
        return [matcher for matcher in matchers if matcher]
    return [{"exact": origin} for origin in policy.get("allowOrigin") or ()]


def _seconds(text: str | None) -> str | None:
    return None if text is None else str(duration.nanoseconds(text) // 10**9)
