import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.sandbox.apiserver.patch import protobuf
from meshctl.sandbox.apiserver.patch.protobuf import Malformed, duration, wire
from tests.sandbox.apiserver.patch.golden import golden

RECORDED = golden("protobuf")
ids = [case["json"]["kind"] for case in RECORDED]


@pytest.mark.parametrize("case", RECORDED, ids=ids)
def test_every_kind_is_decoded_to_what_go_would_write_as_json(case: dict[str, Any]) -> None:
    assert protobuf.decode(base64.b64decode(case["pb"])) == case["json"]


@pytest.mark.parametrize("case", RECORDED, ids=ids)
def test_every_kind_is_encoded_to_a_message_with_the_same_content(case: dict[str, Any]) -> None:
    data = protobuf.encode(case["json"])
    assert protobuf.decode(data) == case["json"]
    # Go tells an empty list from none, the wire does not; all else is the same to the byte.
    assert data == base64.b64decode(case["pb"]) or "null" in json.dumps(case["json"])


@given(st.sampled_from(RECORDED), st.data())
def test_damaged_bytes_are_malformed_at_worst(case: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray(base64.b64decode(case["pb"]))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(4, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        json.dumps(protobuf.decode(bytes(body)))
    except Malformed as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
        (b"k8s\x00\x0a\xff", "unexpected EOF"),
        (b"k8s\x00", 'no kind "" is registered for version ""'),
        (b"k8s\x00\x0f", "illegal wireType 7"),
    ],
)
def test_what_is_no_kubernetes_message_is_named(data: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        protobuf.decode(data)
    assert message in str(refused.value)


def test_json_inside_the_envelope_is_read() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    meta = wire.bytes_field(1, b"v1") + wire.bytes_field(2, b"ConfigMap")
    parts = wire.bytes_field(1, meta), wire.bytes_field(2, json.dumps(item).encode())
    body = b"k8s\x00" + b"".join(parts) + wire.bytes_field(4, b"application/json")
    assert protobuf.decode(body) == item


def test_messages_nested_beyond_reason_are_malformed() -> None:
    inner = b""
    for _ in range(5000):
        inner = wire.bytes_field(28, inner)  # JSONSchemaProps.not
    schema = wire.bytes_field(1, inner)
    version = wire.bytes_field(7, wire.bytes_field(4, schema))
    meta = wire.bytes_field(1, b"apiextensions.k8s.io/v1") + wire.bytes_field(2, b"CustomResourceDefinition")
    body = b"k8s\x00" + wire.bytes_field(1, meta) + wire.bytes_field(2, wire.bytes_field(2, version))
    with pytest.raises(Malformed, match="nested too deeply"):
        protobuf.decode(body)


@pytest.mark.parametrize(
    "item",
    [
        {"apiVersion": "x.io/v1", "kind": "Gate"},
        {"apiVersion": "v1", "kind": "Pod", "spec": []},
        {"apiVersion": "v1", "kind": "Pod", "spec": {"hostname": 3}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": "yesterday"}},
        {"apiVersion": "v1", "kind": "Secret", "data": {"a": "no base64!"}},
    ],
)
def test_objects_that_do_not_fit_cannot_be_encoded(item: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        protobuf.encode(item)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_survive_the_wire(value: int) -> None:
    number, place = wire.read_varint(wire.varint(value), 0)
    assert wire.signed(number, 64) == value
    assert place == len(wire.varint(value))


@given(st.integers(-(10**17), 10**17))
def test_durations_survive_their_text(nanos: int) -> None:
    assert duration.nanoseconds(duration.text(nanos)) == nanos


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0s"),
        (1_500_000_000, "1.5s"),
        (90 * 10**9, "1m30s"),
        (3600 * 10**9, "1h0m0s"),
        (1500, "1.5µs"),
        (-2, "-2ns"),
    ],
)
def test_durations_are_written_as_go_writes_them(nanos: int, text: str) -> None:
    assert duration.text(nanos) == text
