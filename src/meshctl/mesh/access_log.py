"""Lines of an Envoy's access log, in Istio's default text and JSON formats (pilot/pkg/model/telemetry_logging.go)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

_QUOTED, _WORD = r'"([^"]*)"', r"(\S+)"
# The same fields in 1.11 and 1.31; the last two of the first group of 1.5 are missing in older ones.
_LINE = re.compile(
    r'\[([^\]]*)\] "(\S*) (.*?) (\S*)" (\d+) (\S+) (\S+) (.*?) "((?:[^"\\]|\\.)*)" '
    r'(\S+) (\S+) (\S+) (\S+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)" '
    r"(\S+) (\S+) (\S+) (\S+) (\S+) (\S+)"
)
_JSON = {
    "started": "start_time",
    "code": "response_code",
    "flags": "response_flags",
    "details": "response_code_details",
    "termination": "connection_termination_details",
    "failure": "upstream_transport_failure_reason",
    "received": "bytes_received",
    "sent": "bytes_sent",
    "service_time": "upstream_service_time",
    "forwarded_for": "x_forwarded_for",
    "upstream_local": "upstream_local_address",
    "downstream_local": "downstream_local_address",
    "downstream_remote": "downstream_remote_address",
    "server_name": "requested_server_name",
    "route": "route_name",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; the fields in the order of the text format, "-" where Envoy had nothing to say."""

    started: str
    method: str
    path: str
    protocol: str
    code: int
    flags: str
    details: str
    termination: str
    failure: str
    received: str
    sent: str
    duration: str
    service_time: str
    forwarded_for: str
    user_agent: str
    request_id: str
    authority: str
    upstream_host: str
    upstream_cluster: str
    upstream_local: str
    downstream_local: str
    downstream_remote: str
    server_name: str
    route: str

    @property
    def inbound(self) -> bool:
        """Whether it tells of a request that arrived at this proxy's own pod."""
        return self.upstream_cluster.startswith("inbound|") or self.upstream_cluster == "InboundPassthroughCluster"

    @property
    def host(self) -> str:
        """The host that was called: of the outbound cluster, or of the SNI; empty if neither names one."""
        for name in (self.upstream_cluster, self.server_name):
            if name.startswith("outbound"):
                return name[9:].split("_." if name[8] == "_" else "|", 2)[-1]
        return ""

    @property
    def answered(self) -> bool:
        """Whether the answer came from the upstream host, not from Envoy itself."""
        return self.details == "via_upstream"


_NAMES = tuple(one.name for one in fields(Entry))


def parse(line: str) -> Entry | None:
    """The entry of a line; None if it is something else, such as Envoy's own messages."""
    if line.startswith("{"):
        return _of_json(line)
    found = _LINE.match(line)
    if found is None:
        return None
    values: dict[str, Any] = dict(zip(_NAMES, found.groups(), strict=True))
    return Entry(**{**values, "code": int(values["code"])})


def entries(text: str) -> Iterator[Entry]:
    """The entries of a log."""
    return (entry for line in text.splitlines() if (entry := parse(line)))


def _of_json(line: str) -> Entry | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or "response_code" not in found:
        return None
    values: dict[str, Any] = {name: found.get(_JSON.get(name, name)) for name in _NAMES}
    values = {name: "-" if value in (None, "") else str(value) for name, value in values.items()}
    return Entry(**{**values, "code": int(found["response_code"] or 0)})
