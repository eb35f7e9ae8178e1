"""Rules of the webhook that the recorded objects don't reach."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation.istio.rules.regex import fault
from meshctl.sandbox.apiserver.validation.istio.webhook import judge


def verdict(kind: str, spec: Any, **meta: Any) -> tuple[str | None, tuple[str, ...]]:
    found = judge(
        {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "a", "namespace": "ns", **meta}, "spec": spec}
    )
    return found.message, found.warnings


def refusal(kind: str, spec: Any) -> str:
    message, _ = verdict(kind, spec)
    return (message or "").removeprefix("configuration is invalid: ")


def points(text: str) -> list[str]:
    return [line.strip().removeprefix("* ") for line in text.splitlines() if line.strip().startswith("* ")]


AP = "AuthorizationPolicy"
POLICY = "invalid policy a.ns: "


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        (AP, {"rules": [{"from": [{"source": {}}]}]}, f"{POLICY}`from.source` must not be empty, found at rule 0"),
        (AP, {"rules": [{"from": [{}]}]}, f"{POLICY}`from.source` must not be nil, found at rule 0"),
        (AP, {"rules": [{"to": [{"operation": {}}]}]}, f"{POLICY}`to.operation` must not be empty, found at rule 0"),
        (
            AP,
            {"rules": [{"when": [{"key": "source.ip"}]}]},
            f"{POLICY}at least one of `values` or `notValues` must be set for key source.ip",
        ),
        (
            AP,
            {"action": "AUDIT", "provider": {"name": "p"}, "rules": [{}]},
            f"{POLICY}`provider` must not be with non CUSTOM action, found AUDIT",
        ),
        (
            AP,
            {"rules": [{"to": [{"operation": {"paths": ["/a/{**}/{*}"]}}]}]},
            f"{POLICY}invalid or unsupported path a/{{**}}/{{*}}, found in Paths. {{**}} is not the last operator",
        ),
        ("RequestAuthentication", {"jwtRules": [{"jwksUri": "https://a/k"}]}, ""),
        (
            "Telemetry",
            {"tracing": [{"randomSamplingPercentage": 101}]},
            "randomSamplingPercentage must be in range [0.0, 100.0]",
        ),
        ("Telemetry", {"accessLogging": [{"providers": [{"name": ""}]}]}, "providers.name may not be empty"),
        ("WasmPlugin", {"url": "ftp://a/b"}, "url contains unsupported scheme: ftp"),
        ("WasmPlugin", {"url": "oci://a", "sha256": "12"}, "sha256 field must be 64 characters long"),
        ("ProxyConfig", {"concurrency": -1}, "concurrency must be greater than or equal to 0"),
        ("WorkloadEntry", {}, "address is required"),
        ("WorkloadEntry", {"address": "unix://relative"}, "relative is not an absolute path to a file"),
        ("WorkloadGroup", {}, "template is required"),
        ("TrafficExtension", {}, "exactly one of wasm or lua must be set"),
        (
            "ServiceEntry",
            {"hosts": ["a.b"], "resolution": "DYNAMIC_DNS", "ports": []},
            "host must be wildcarded for resolution mode DYNAMIC_DNS",
        ),
        ("Sidecar", {"egress": [{"hosts": ["a_b/*"]}]}, 'invalid namespace value "a_b" in sidecar'),
        (
            "Sidecar",
            {"outboundTrafficPolicy": {"egressProxy": {"host": "a"}}},
            "sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode",
        ),
    ],
)
def test_one_refusal(kind: str, spec: Any, text: str) -> None:
    assert refusal(kind, spec) == text


def test_listed_errors_stay_a_list() -> None:
    assert points(refusal("RequestAuthentication", {"jwtRules": [{}]})) == [
        "issuer or jwksUri must be non-empty string"
    ]
    ports = {"rules": [{"to": [{"operation": {"ports": ["x"]}}]}]}
    assert points(refusal(AP, ports)) == [f'{POLICY}bad port (x): strconv.ParseUint: parsing "x": invalid syntax']


def test_an_unknown_attribute_is_told_for_values_and_for_their_opposites() -> None:
    found = points(refusal(AP, {"rules": [{"when": [{"key": "no.such", "values": ["a"]}]}]}))
    assert [text.split("`")[1] for text in found] == ["value", "notValue"]


def test_a_deny_rule_of_http_attributes_warns() -> None:
    _, warnings = verdict(AP, {"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]})
    assert warnings[0].startswith("configured AuthorizationPolicy will deny all traffic to TCP ports")
    assert verdict(AP, {"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["80"]}}]}]}) == (None, ())


def test_dry_run_is_for_authorization_policies() -> None:
    fine = verdict(AP, {"rules": [{}]}, annotations={"istio.io/dry-run": "true"})
    assert fine == (None, ())
    message, _ = verdict(AP, {"rules": [{}]}, annotations={"istio.io/dry-run": "maybe"})
    assert message and 'invalid value (maybe): strconv.ParseBool: parsing "maybe": invalid syntax' in message


def test_wide_prefix_covers_a_narrow_one() -> None:
    routes = [
        {"match": [{"uri": {"prefix": path}}], "route": [{"destination": {"host": "a"}}]} for path in ("/a", "/a/b")
    ]
    _, warnings = verdict("VirtualService", {"hosts": ["a"], "http": routes})
    where = "rule #1 match #0 of prefix /a/b is not used (duplicate/overlapping match in rule #0 of prefix /a on #0)"
    assert warnings == (f"virtualService {where}",)


@pytest.mark.parametrize(
    ("froms", "overlap"),
    [
        (["a/z1/s1", "a/z1/*"], None),
        (["a/z1/s1", "a/z1"], "a/z1"),
        (["a/*", "a/z1/s1"], "a/z1/s1"),
        (["a/z1", "a/z2", "a/*", "*"], None),
        (["*", "a"], "a"),
        (["a", "b", "a"], "a"),
    ],
)
def test_locality_overlap_depends_on_order(froms: list[str], overlap: str | None) -> None:
    rules = [{"from": name, "to": {"x": 100}} for name in froms]
    balancer = {"localityLbSetting": {"distribute": rules}}
    text = refusal("DestinationRule", {"host": "a", "trafficPolicy": {"loadBalancer": balancer}})
    assert text == (f"locality {overlap} overlap with previous specified ones" if overlap else "")


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        ("DestinationRule", [], "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"),
        ("DestinationRule", {"host": True}, "json: cannot unmarshal bool into Go value of type string"),
        (
            "DestinationRule",
            {"trafficPolicy": {"tls": {"mode": True}}},
            "json: cannot unmarshal bool into Go value of type protoreflect.EnumNumber",
        ),
        (
            "VirtualService",
            {"http": [{"route": [{"weight": "ten"}]}]},
            "invalid character 'e' in literal true (expecting 'r')",
        ),
        ("VirtualService", {"http": [{"route": [{"weight": ""}]}]}, "unexpected end of JSON input"),
    ],
)
def test_unreadable(kind: str, spec: Any, text: str) -> None:
    assert verdict(kind, spec)[0] == f"error decoding configuration: {text}"


def test_names_of_protobuf_are_read_as_well() -> None:
    spec = {"host": "a", "traffic_policy": {"outlier_detection": {"consecutive_5xx_errors": -1}}}
    assert "uint32" in (verdict("DestinationRule", spec)[0] or "")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a(b|c)*[^d-f]{2,3}?\\d\\Q", None),
        ("(?i:a)(?P<n>b)", None),
        ("[]a]", None),
        ("a)", "unexpected ): `a)`"),
        ("[a", "missing closing ]: `[a`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("(?<!a)b", "invalid or unsupported Perl syntax: `(?<!`"),
        ("\\1", "invalid escape sequence: `\\1`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
    ],
)
def test_regular_expressions(pattern: str, text: str | None) -> None:
    assert fault(pattern) == (f"error parsing regexp: {text}" if text else None)
