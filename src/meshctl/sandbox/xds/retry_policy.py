"""Retries of HTTP routes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, extension, message

_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
_STATUS_CODES = "retriable-status-codes"
_CODES = frozenset(str(int(status)) for status in HTTPStatus)

# "reset-before-request" is safe for every request, but breaks long gRPC streams.
INBOUND: Json = {"retry_on": "reset-before-request", "num_retries": 2}


def policy(retries: Mapping[str, Any] | None, *, hashed: bool = False) -> Json | None:
    """Envoy's policy for an Istio HTTPRetry: None means the default, `attempts: 0` none at all.

    `hashed`: the only destination has a consistent hash, so a retry may meet the same host again
    (Istio pilot/pkg/networking/core/route/retry).
    """
    if retries is None:
        return _policy(_RETRY_ON, [], 2, ignore_previous=not hashed)
    attempts = int(retries.get("attempts") or 0)
    if attempts <= 0:
        return None
    retry_on, codes = _conditions(retries.get("retryOn") or _RETRY_ON)
    ignore_previous = retries.get("retryIgnorePreviousHosts")
    out = _policy(retry_on, codes, attempts, ignore_previous=not hashed if ignore_previous is None else ignore_previous)
    return out | _extras(retries)


def _policy(retry_on: str, codes: list[int], attempts: int, *, ignore_previous: bool) -> Json:
    return message(
        retry_on=retry_on,
        num_retries=attempts,
        host_selection_retry_max_attempts="5",
        retriable_status_codes=codes,
        retry_host_predicate=[_previous_hosts()] if ignore_previous else None,
    )


def _extras(retries: Mapping[str, Any]) -> Json:
    backoff = duration.proto(retries.get("backoff"))
    return message(
        per_try_timeout=duration.proto(retries.get("perTryTimeout")),
        retry_priority=_previous_priorities() if retries.get("retryRemoteLocalities") else None,
        retry_back_off={"base_interval": backoff} if backoff else None,
    )


def _conditions(text: str) -> tuple[str, list[int]]:
    """Envoy's conditions, and the status codes that Istio lets stand among them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    codes = [int(part) for part in parts if part in _CODES]
    words = [part for part in parts if part not in _CODES]
    if codes and not any(_STATUS_CODES in word for word in words):
        # Istio appends with a comma even where nothing stands before it.
        return ",".join(words) + f",{_STATUS_CODES}", codes
    return ",".join(words), codes


def _previous_hosts() -> Json:
    name = "envoy.retry_host_predicates.previous_hosts"
    return extension(name, "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")


def _previous_priorities() -> Json:
    return extension(
        "envoy.retry_priorities.previous_priorities",
        "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        update_frequency=2,
    )
