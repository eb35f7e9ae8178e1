"""Whatever JSON a client sends, it is answered: refused in words, never with an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshctl.sandbox.apiserver import validation
from meshctl.sandbox.apiserver.validation import admission, crd, schema
from meshctl.sandbox.apiserver.validation.kubernetes.definitions import Node, referenced, resolved

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "a", "A_b", "10.0.0.1", "*", "*.a.b", "1s", "0s", "-1", "25%", "1Gi", "~/*", "a/b", "(", "%", "é"]
    ),
    st.text(max_size=5),
)
KINDS = [
    *(("v1", kind) for kind in ("Pod", "Service", "ConfigMap", "Secret", "Node", "Endpoints", "Event", "Namespace")),
    *(("apps/v1", kind) for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")),
    *(("batch/v1", kind) for kind in ("Job", "CronJob")),
    *(("networking.k8s.io/v1", kind) for kind in ("Ingress", "NetworkPolicy")),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
]


def values(draw: st.DrawFn, node: Node, depth: int) -> Any:
    """A value that mostly has the form of a definition."""
    target = resolved(node)
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        return draw(SCALARS)
    if target.get("type") == "array":
        return [values(draw, target["items"], depth - 1) for _ in range(draw(st.integers(0, 2)))]
    if isinstance(target.get("additionalProperties"), dict):
        return {draw(st.text(max_size=3)): values(draw, target["additionalProperties"], depth - 1)}
    if "properties" in target:
        names = draw(st.lists(st.sampled_from(sorted(target["properties"])), max_size=6, unique=True))
        return {
            name: values(draw, target["properties"][name], depth - 1) for name in [*names, *target.get("required", ())]
        }
    return fitting(draw, target, referenced(node))


def fitting(draw: st.DrawFn, target: Node, name: str | None) -> Any:
    match target.get("type"):
        case "integer":
            return draw(st.integers(-2, 70000))
        case "boolean":
            return draw(st.booleans())
        case "string" if "enum" in target and name is None:
            return draw(st.sampled_from([*target["enum"], "Other"]))
        case "string":
            return draw(
                st.sampled_from(
                    ["", "a", "a.b", "10.0.0.1", "10.0.0.0/8", "1", "80", "x/y", "A b", "In", "Exists", "50%"]
                )
            )
    return draw(SCALARS)


@st.composite
def objects(draw: st.DrawFn, node: Node, api_version: str, kind: str) -> dict[str, Any]:
    found = values(draw, node, 12)
    return (found if isinstance(found, dict) else {}) | {"apiVersion": api_version, "kind": kind}


@pytest.mark.parametrize(("api_version", "kind"), KINDS)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_built_in_kinds(api_version: str, kind: str, data: st.DataObject) -> None:
    group, _, version = api_version.rpartition("/")
    node = schema.find(group, version, kind)
    assert node is not None
    obj = data.draw(objects(node, api_version, kind))
    validation.unknown_fields(obj)
    try:
        kept = validation.default(validation.decoded(obj))
    except validation.DecodeError:
        return
    validation.validate(kept)
    validation.validate(kept, validation.default(kept))
    validation.warnings(kept)


@pytest.mark.parametrize("definition", validation.istio_crds(), ids=lambda each: each["spec"]["names"]["kind"])
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_istio_kinds(definition: dict[str, Any], data: st.DataObject) -> None:
    spec = definition["spec"]
    version = spec["versions"][0]["name"]
    node = crd.schema_of(definition, version)
    obj = data.draw(objects(node, f"{spec['group']}/{version}", spec["names"]["kind"]))
    obj["metadata"] = data.draw(st.sampled_from([None, {}, {"name": "a"}, {"name": 1}, "x", {"labels": {"a": None}}]))
    try:
        kept, _ = crd.prune(definition, version, obj)
    except validation.DecodeError:
        return
    kept = crd.default(definition, version, kept)
    crd.validate(definition, version, kept)
    crd.validate(definition, version, kept, {**kept, "spec": {}})
    admission.review(kept, None, "CREATE")
