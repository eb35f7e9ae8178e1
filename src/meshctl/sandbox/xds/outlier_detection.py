"""Ejection of failing hosts: `outlierDetection` of a DestinationRule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, message

_ALWAYS = 100


def outlier_detection(settings: Mapping[str, Any]) -> Json:
    """Envoy's `outlier_detection`; the success rate is never judged, `consecutiveErrors` is ignored."""
    errors, gateway = settings.get("consecutive5xxErrors"), settings.get("consecutiveGatewayErrors")
    return message(
        enforcing_success_rate=0,
        consecutive_5xx=errors,
        enforcing_consecutive_5xx=_enforced(errors),
        consecutive_gateway_failure=gateway,
        enforcing_consecutive_gateway_failure=_enforced(gateway),
        interval=duration.proto(settings.get("interval")),
        base_ejection_time=duration.proto(settings.get("baseEjectionTime")),
        max_ejection_percent=settings.get("maxEjectionPercent") or None,
    ) | (_local_origin(settings) if settings.get("splitExternalLocalOriginErrors") else {})


def _enforced(limit: int | None) -> int | None:
    return None if limit is None else _ALWAYS if limit else 0


def _local_origin(settings: Mapping[str, Any]) -> Json:
    failures = settings.get("consecutiveLocalOriginFailures") or None
    return message(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=failures,
        enforcing_consecutive_local_origin_failure=_ALWAYS if failures else None,
        enforcing_local_origin_success_rate=0,
    )
