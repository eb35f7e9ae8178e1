"""Rules of what happens to requests on their way: CORS, faults, retries."""

from __future__ import annotations

import re
from http import HTTPStatus

from meshctl.sandbox.apiserver.validation.golang import number, quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, listed, warning
from meshctl.sandbox.apiserver.validation.istio.rules import header
from meshctl.sandbox.apiserver.validation.istio.rules.duration import duration
from meshctl.sandbox.apiserver.validation.istio.rules.http_answer import status
from meshctl.sandbox.apiserver.validation.istio.rules.regex import regex

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"})
_RETRY_ON = frozenset(
    [
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "envoy-ratelimited",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    ]
)
_GRPC_STATUS = frozenset(
    [
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
    ]
)


def cors(policy: Record | None) -> Problems:
    """A CORS policy."""
    if policy is None:
        return
    for origin in policy.allowOrigins:
        yield from _origin(origin)
    for method in policy.allowMethods:
        if method not in _METHODS:
            yield error(f"{quote(method)} is not a supported HTTP method")
    for name in [*policy.allowHeaders, *policy.exposeHeaders]:
        yield from header.cors_name(name)
    if policy.maxAge is not None:
        yield from duration(policy.maxAge)
        if policy.maxAge % 10**9 and policy.maxAge > 0:
            yield listed("max_age duration is accurate only to seconds precision")


def _origin(origin: Record) -> Problems:
    if not (origin.exact or origin.prefix or origin.regex):
        yield error("'' is not a valid match type for CORS allow origins")
    elif origin.holds("regex"):
        yield from regex(origin.regex, "corsPolicy.allowOrigins")


def fault(injection: Record | None) -> Problems:
    """Injected aborts and delays."""
    if injection is None:
        return
    if injection.abort is None and injection.delay is None:
        yield listed("HTTP fault injection must have an abort and/or a delay")
    if injection.abort is not None:
        yield from _abort(injection.abort)
    if injection.delay is not None:
        yield from _delay(injection.delay)


def _percentage(percentage: Record | None) -> Problems:
    value = 0.0 if percentage is None else percentage.value
    if value < 0 or value > 100 or 0 < value < 0.0001:
        yield error(f"percentage {number(value)} is neither 0.0, nor in range [0.0001, 100.0]")


def _abort(abort: Record) -> Problems:
    yield from _percentage(abort.percentage)
    if abort.holds("grpcStatus"):
        if abort.grpcStatus not in _GRPC_STATUS:
            listing = "See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md for a list of supported codes"
            yield error(f"gRPC status {quote(abort.grpcStatus)} is not supported. {listing}, for example 'NOT_FOUND'")
    elif abort.holds("http2Error"):
        yield error("HTTP/2 abort fault injection not supported yet")
    elif abort.holds("httpStatus"):
        yield from status(abort.httpStatus)
    else:
        yield warning("abort configured, but error type not set")


def _delay(delay: Record) -> Problems:
    yield from _percentage(delay.percentage)
    yield from duration(delay.fixedDelay)
    if delay.exponentialDelay is not None:
        yield from duration(delay.exponentialDelay)
        yield listed("exponentialDelay not supported yet")


def retries(policy: Record | None) -> Problems:
    """A retry policy."""
    if policy is None:
        return
    if policy.attempts < 0:
        yield listed("attempts cannot be negative")
    configured = policy.perTryTimeout is not None or policy.retryOn or policy.retryRemoteLocalities is not None
    if policy.attempts == 0 and configured:
        yield error("http retry policy configured when attempts are set to 0 (disabled)")
    yield from duration(policy.perTryTimeout)
    for condition in policy.retryOn.split(",") if policy.retryOn else ():
        if condition not in _RETRY_ON and not _is_status(condition):
            yield error(f"{quote(condition)} is not a valid retryOn policy")
    yield from duration(policy.backoff)


def _is_status(text: str) -> bool:
    return re.fullmatch(r"[+]?[0-9]+", text) is not None and int(text) in {int(each) for each in HTTPStatus}
