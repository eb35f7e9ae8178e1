"""Access logs of proxies: Istio's default text format, its JSON format, and the mesh's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, extension, message

# Istio 1.31 pilot/pkg/model/telemetry_logging.go, EnvoyTextLogFormat.
TEXT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% '
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
# The same file, EnvoyJSONLogFormatIstio.
JSON_FORMAT: Mapping[str, str] = {
    "start_time": "%START_TIME%",
    "route_name": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
}
_WITHOUT_QUERY = "%REQ_WITHOUT_QUERY"


def of_requests(settings: MeshConfig) -> list[Json]:
    """The logs of connection managers and TCP proxies; none unless the mesh has an `accessLogFile`."""
    if not settings.access_log_file:
        return []
    return [
        extension(
            "envoy.access_loggers.file",
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            path=settings.access_log_file,
            log_format=_log_format(settings.raw),
        )
    ]


def of_listener(settings: MeshConfig) -> list[Json]:
    """The logs of a listener itself: only connections that no filter chain takes (flag NR)."""
    if settings.raw.get("disableEnvoyListenerLog"):
        return []
    no_chain = {"response_flag_filter": {"flags": ["NR"]}}
    return [{**log, "filter": no_chain} for log in of_requests(settings)]


def _log_format(raw: Mapping[str, Any]) -> Json:
    own = raw.get("accessLogFormat") or ""
    if raw.get("accessLogEncoding") == "JSON":
        return _json_format(own)
    text = own or TEXT_FORMAT
    text += "" if text.endswith("\n") else "\n"
    return message(text_format_source={"inline_string": text}, formatters=_formatters(text))


def _json_format(own: str) -> Json:
    try:
        fields = json.loads(own) if own else JSON_FORMAT
    except ValueError:
        fields = JSON_FORMAT
    return message(json_format=dict(fields), json_format_options={}, formatters=_formatters(json.dumps(dict(fields))))


def _formatters(text: str) -> list[Json]:
    if _WITHOUT_QUERY not in text:
        return []
    name = "envoy.formatter.req_without_query"
    return [extension(name, "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery")]
