"""What a JSON object becomes as a built-in kind, and which values no kind takes."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation import DecodeError, decoded, duplicate_fields, quantity, unknown_fields


def pod(**container: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        *(("1000m", "1"), ("0.5", "500m"), ("1Gi", "1Gi"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1e3", "1e3")),
        *(("1000", "1k"), ("0", "0"), ("100.5m", "100500u"), (2, "2"), ("-1", "-1"), ("+5", "5"), ("1000Ki", "1000Ki")),
    ],
)
def test_quantities_are_written_in_one_form(given: Any, shown: str) -> None:
    assert quantity.canonical(given) == shown


@pytest.mark.parametrize("text", ["", "lots", "1.2.3", "1Zi", "m", "1 Gi"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(quantity.QuantityError):
        quantity.value(text)


def test_nulls_and_unknown_fields_go() -> None:
    given = pod(name="a", image=None, colour="red", resources={"limits": {"cpu": "1000m"}})
    kept = decoded(given)["spec"]["containers"][0]
    assert kept == {"name": "a", "resources": {"limits": {"cpu": "1"}}}
    assert unknown_fields(given) == ["spec.containers[0].colour"]


def test_times_are_written_in_utc() -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "spec": {"renewTime": "2026-01-01T01:00:00.5+01:00"},
    }
    assert decoded(lease)["spec"]["renewTime"] == "2026-01-01T00:00:00.500000Z"


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (
            pod(ports=[{"containerPort": 80.5}]),
            "number 80.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            pod(ports=[{"containerPort": 99999999999}]),
            "number 99999999999 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (pod(env=[5]), "number into Go struct field Container.spec.containers.env of type v1.EnvVar"),
        (pod(command="sh"), "string into Go struct field Container.spec.containers.command of type []string"),
        (pod(stdin="yes"), "string into Go struct field Container.spec.containers.stdin of type bool"),
        ({"apiVersion": "v1", "kind": "Pod", "spec": []}, "array into Go struct field Pod.spec of type v1.PodSpec"),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": True}}},
            "bool into Go struct field ObjectMeta.metadata.labels of type string",
        ),
    ],
)
def test_wrong_types_are_told_as_go_does(obj: dict[str, Any], text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decoded(obj)
    assert str(caught.value) == f"json: cannot unmarshal {text}"


@pytest.mark.parametrize(("data", "at"), [("!!!", 0), ("YQ", 0), ("YWJjZA", 4), ("YWJj*", 4), ("é", 0)])
def test_base64_is_refused_at_its_first_bad_byte(data: str, at: int) -> None:
    with pytest.raises(DecodeError, match=f"illegal base64 data at input byte {at}"):
        decoded({"apiVersion": "v1", "kind": "Secret", "data": {"a": data}})


def test_repeated_fields_are_found_at_any_depth() -> None:
    assert duplicate_fields('{"a": {"b": [{"c": 1, "c": 2}]}, "d": 1, "d": 2}') == ["a.b[0].c", "d"]
