"""Lines of real Envoys in Istio's formats, and what else stands in their logs."""

from __future__ import annotations

import json

import pytest

from meshctl.mesh import access_log

INGRESS = (
    '[2026-11-23T15:56:15.411Z] "GET /productpage?u=normal HTTP/1.1" 200 - via_upstream - "-" 0 5671 28 27 '
    '"192.168.229.139" "meshctl-traffic/cc1cab5e/0" "c36eecda-d2a9-4af9-af52-5ea9db385208" "127.0.0.1:37297" '
    '"192.168.229.101:15443" outbound|9080||productpage.istio.svc.cluster.local 172.20.0.3:50122 172.20.0.3:8080 '
    "192.168.229.139:52406 - -"
)
INBOUND = (
    '[2026-11-23T15:56:15.431Z] "GET /reviews/0 HTTP/1.1" 200 - via_upstream - "-" 0 437 9 8 "-" "curl/8" "id-1" '
    '"reviews:9080" "172.22.1.4:9080" inbound|9080|| 127.0.0.6:40001 172.22.1.4:9080 172.22.0.4:40000 '
    "outbound_.9080_._.reviews.istio.svc.cluster.local default"
)
FAILED = (
    '[2026-11-23T15:56:15.431Z] "GET /x HTTP/1.1" 503 UF,URX '
    "upstream_reset_before_response_started{connection_timeout} - "
    '"delayed connect error: \\"Connection refused\\"" 0 114 30012 - "-" "a b/c" "id-2" "productpage" '
    '"192.168.229.101:15443" outbound_.9080_.v1_.productpage.istio.svc.cluster.local - 10.68.0.1:9080 '
    "172.20.0.3:1 - default"
)
TCP = (
    '[2026-11-23T15:56:15.431Z] "- - -" 0 UH - - "-" 0 0 1 - "-" "-" "-" "-" "-" '
    "outbound_.9080_._.productpage.istio.svc.cluster.local - 172.20.2.4:15443 192.168.229.140:2 "
    "outbound_.9080_._.productpage.istio.svc.cluster.local -"
)
ENVOYS_OWN = "2026-11-23T15:48:17.311065Z\twarning\tenvoy main source/server/server.cc:1059\tno limit\tthread=48"


def parsed(line: str) -> access_log.Entry:
    found = access_log.parse(line)
    assert found
    return found


def test_a_request_that_an_upstream_answered() -> None:
    entry = parsed(INGRESS)
    assert (entry.method, entry.path, entry.protocol, entry.code) == ("GET", "/productpage?u=normal", "HTTP/1.1", 200)
    assert (entry.user_agent, entry.request_id[:8]) == ("meshctl-traffic/cc1cab5e/0", "c36eecda")
    assert (entry.upstream_host, entry.duration, entry.flags) == ("192.168.229.101:15443", "28", "-")
    assert entry.host == "productpage.istio.svc.cluster.local"
    assert entry.answered
    assert not entry.inbound


def test_a_request_that_arrived_names_its_service_by_the_sni() -> None:
    entry = parsed(INBOUND)
    assert entry.inbound
    assert entry.host == "reviews.istio.svc.cluster.local"


def test_a_request_that_failed_has_flags_and_a_reason() -> None:
    entry = parsed(FAILED)
    assert (entry.code, entry.flags, entry.answered) == (503, "UF,URX", False)
    assert entry.failure.startswith("delayed connect error")
    assert entry.host == "productpage.istio.svc.cluster.local"


def test_a_connection_that_failed() -> None:
    entry = parsed(TCP)
    assert (entry.code, entry.flags, entry.method) == (0, "UH", "-")


def test_json_says_the_same() -> None:
    line = {
        "start_time": "2026-11-23T15:56:15.411Z",
        "method": "GET",
        "path": "/productpage",
        "response_code": 503,
        "response_flags": "UH",
        "upstream_cluster": "outbound|9080||productpage.istio.svc.cluster.local",
        "upstream_host": None,
        "user_agent": "a/1",
        "request_id": "id",
    }
    entry = parsed(json.dumps(line))
    assert (entry.code, entry.flags, entry.upstream_host, entry.user_agent) == (503, "UH", "-", "a/1")


@pytest.mark.parametrize("line", ["", ENVOYS_OWN, "{", '{"level":"info"}', "[x] nonsense", INGRESS[:200]])
def test_other_lines_are_none(line: str) -> None:
    assert access_log.parse(line) is None


def test_a_log_is_read_line_by_line() -> None:
    text = "\n".join([ENVOYS_OWN, INGRESS, TCP, INBOUND[:50]])
    assert [entry.code for entry in access_log.entries(text)] == [200, 0]
