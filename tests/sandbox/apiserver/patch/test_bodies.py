import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.sandbox.apiserver.patch import PatchRefused, bodies, json_patch
from meshctl.sandbox.apiserver.patch.gojson import BadJson, loads, loads_strictly
from meshctl.sandbox.apiserver.patch.gosyntax import syntax_error
from tests.sandbox.apiserver.patch.golden import golden


@pytest.mark.parametrize(("text", "message"), golden("json-errors"))
def test_syntax_errors_are_worded_as_go_words_them(text: str, message: str) -> None:
    with pytest.raises(BadJson) as refused:
        loads(text.encode())
    assert str(refused.value) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_json_is_read_and_finds_no_syntax_error(value: object) -> None:
    text = json.dumps(value).encode()
    assert syntax_error(text) == ""
    assert loads(text) == value or "\ud800" <= max(str(value), default="") <= "\udfff"


@given(st.binary(max_size=40))
def test_any_bytes_are_json_or_have_a_message(data: bytes) -> None:
    try:
        loads(data)
    except BadJson as refused:
        assert str(refused)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1e999"])
def test_numbers_that_json_does_not_know_are_refused(text: str) -> None:
    with pytest.raises(BadJson):
        loads(text.encode())


def test_integers_beyond_64_bits_become_floats() -> None:
    assert loads(b"[9223372036854775807, 9223372036854775808]") == [9223372036854775807, 9.223372036854775808e18]


def test_half_a_surrogate_pair_becomes_text_that_can_be_sent() -> None:
    assert loads(b'{"a":"\\ud800"}') == {"a": "\ufffd"}


def test_deep_nesting_is_refused_not_crashed_on() -> None:
    with pytest.raises(BadJson, match="exceeded max depth"):
        loads(b"[" * 100_000)


def test_repeated_keys_are_reported_with_their_path() -> None:
    value, complaints = loads_strictly(b'{"a":1,"b":[{"c":1,"c":2}],"a":3}')
    assert value == {"a": 3, "b": [{"c": 2}]}
    assert complaints == ['duplicate field "b[0].c"', 'duplicate field "a"']


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a":1}', "cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (b'["x"]', "cannot unmarshal string into Go value of type handlers.jsonPatchOp"),
        (b'[{"op":3}]', "cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
    ],
)
def test_a_json_patch_of_another_shape_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(PatchRefused) as refused:
        bodies.json_patch_body(body)
    assert refused.value.status()["message"] == f"error decoding patch: json: {message}"
    assert refused.value.code == 400


def test_unknown_fields_of_operations_are_complaints() -> None:
    _, complaints = bodies.json_patch_body(b'[{"op":"test","path":"/a","valeu":1}]')
    assert complaints == ['json patch unknown field "[0].valeu"']


def test_more_than_ten_thousand_operations_are_too_many() -> None:
    with pytest.raises(PatchRefused) as refused:
        json_patch({}, [{"op": "test", "path": "/a", "value": None}] * 10_001)
    assert refused.value.code == 413


@pytest.mark.parametrize(
    ("reader", "body", "message"),
    [
        (bodies.merge_patch_body, b"{broken", "error decoding patch: invalid character 'b' looking for beginning of"),
        (bodies.strategic_body, b'"text"', "json: cannot unmarshal string into Go value of type map[string]interface"),
        (bodies.apply_body, b"a: b: c", "error decoding YAML: error converting YAML to JSON: yaml: mapping values"),
        (bodies.apply_body, b"a: [1", "error decoding YAML: error converting YAML to JSON: yaml: line 1: did not"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused_in_kubernetes_words(reader, body, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(PatchRefused) as refused:
        reader(body)
    assert refused.value.message.startswith(message)
    assert refused.value.code == 400


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    text = b"""
date: 2020-01-01
norway: no
octal: 0777
hex: 0x1F
float: 1e3
text: "yes"
80: port
folded: >-
  a
  b
base: &base {x: 1}
more:
  <<: *base
  z: 2
"""
    value, complaints = bodies.apply_body(text)
    assert value == {
        "date": "2020-01-01",
        "norway": False,
        "octal": 511,
        "hex": 31,
        "float": 1000.0,
        "text": "yes",
        "80": "port",
        "folded": "a b",
        "base": {"x": 1},
        "more": {"x": 1, "z": 2},
    }
    assert complaints == []


def test_only_the_first_yaml_document_counts() -> None:
    assert bodies.apply_body(b"a: 1\n---\nb: 2\n")[0] == {"a": 1}


@pytest.mark.parametrize("body", [b"a: 1\nb:\n  c: 1\n  c: 2\n", b'{"a":1,\n"b":{\n"c":1,\n"c":2}}'])
def test_repeated_yaml_keys_are_reported_by_line(body: bytes) -> None:
    _, (complaint,) = bodies.apply_body(body)
    wanted = 'error converting YAML to JSON: yaml: unmarshal errors:\n  line 4: key "c" already set in map'
    assert complaint == wanted
