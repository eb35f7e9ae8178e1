"""What is a student's and what is ours, told from the objects alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshctl.reset import foreign

Object = dict[str, Any]


def _entry(manager: str, fields: Object, operation: str = "Update", subresource: str = "") -> Object:
    entry: Object = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return {**entry, "subresource": subresource} if subresource else entry


def _object(*entries: Object, **more: Any) -> Object:
    metadata = {"name": "reviews", "namespace": "istio", "managedFields": list(entries), **more.pop("metadata", {})}
    return {"metadata": metadata, **more}


OURS = _entry("meshctl", {"f:spec": {"f:replicas": {}}}, "Apply")
THEIRS = _entry("kubectl-create", {"f:spec": {}})


@pytest.mark.parametrize(
    ("kind", "item", "stray"),
    [
        ("Deployment", _object(THEIRS), True),
        ("Deployment", _object(OURS), False),
        ("Deployment", _object(OURS, THEIRS), False),
        ("Pod", _object(THEIRS, metadata={"ownerReferences": [{"kind": "ReplicaSet"}]}), False),
        ("Pod", _object(THEIRS), True),
        ("DestinationRule", _object(OURS, metadata={"labels": {"meshctl.io/lab": "failover"}}), True),
        ("ConfigMap", _object(THEIRS, metadata={"name": "kube-root-ca.crt"}), False),
        ("ConfigMap", _object(THEIRS, metadata={"name": "istio-gateway-status-leader"}), False),
        ("ServiceAccount", _object(metadata={"name": "default"}), False),
        ("Endpoints", _object(THEIRS, metadata={"name": "reviews"}), False),
        ("Endpoints", _object(THEIRS, metadata={"name": "external"}), True),
        ("Event", _object(THEIRS), False),
        ("EnvoyFilter", _object(), True),
        ("Service", _object(THEIRS, metadata={"deletionTimestamp": "now"}), False),
    ],
)
def test_strays_are_told_from_ours_and_the_machinerys(kind: str, item: Object, stray: bool) -> None:
    assert foreign.is_stray(kind, item, ["reviews"]) is stray


def test_fields_of_others_alone_are_additions_and_shared_ones_are_not() -> None:
    item = _object(
        _entry("meshctl", {"f:spec": {"f:image": {}}, "f:metadata": {"f:labels": {"f:app": {}}}}, "Apply"),
        _entry(
            "kubectl-edit", {"f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:a/b": {}}}, "f:spec": {"f:x": {}}}
        ),
        _entry("kube-controller-manager", {"f:spec": {"f:y": {}}}),
        _entry("kubectl", {"f:status": {"f:z": {}}}, subresource="status"),
        metadata={"labels": {"app": "reviews", "a/b": "c"}},
        spec={"image": "i", "x": 1, "y": 2},
        status={"z": 3},
    )

    assert foreign.additions(item) == (("/spec/x", "/metadata/labels/a~1b"), ("kubectl-edit",))


def test_items_of_lists_are_found_by_their_keys_and_taken_from_the_end() -> None:
    def key(name: str) -> str:
        return "k:" + json.dumps({"name": name})

    item = _object(
        _entry("meshctl", {"f:spec": {"f:containers": {key("app"): {".": {}, "f:name": {}}}}}, "Apply"),
        _entry(
            "kubectl-patch", {"f:spec": {"f:containers": {key(n): {".": {}, "f:name": {}} for n in ("one", "two")}}}
        ),
        spec={"containers": [{"name": "one"}, {"name": "app"}, {"name": "two"}]},
    )

    removals, _ = foreign.additions(item)
    for pointer in removals:
        _remove(item, pointer)
    assert item["spec"] == {"containers": [{"name": "app"}]}


def _remove(item: Any, pointer: str) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in pointer.split("/")[1:]]
    at = item
    for part in way:
        at = at[part]
    # Below an item that is gone already there is nothing to take.
    if isinstance(last, int) or last in at:
        del at[last]


def test_an_addition_below_an_added_item_goes_with_it() -> None:
    item = _object(
        OURS,
        _entry("kubectl-patch", {"f:spec": {"f:list": {'k:{"name":"x"}': {".": {}, "f:name": {}, "f:value": {}}}}}),
        spec={"list": [{"name": "x", "value": "y"}]},
    )

    assert foreign.additions(item)[0] == ("/spec/list/0",)


@pytest.mark.parametrize(
    ("entry", "count", "found"),
    [
        (OURS, 0, ()),
        (_entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale"), 0, ("/spec/replicas",)),
        (_entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale"), 3, ()),
        (_entry("meshctl", {"f:spec": {"f:template": {}}}, "Apply"), 0, ("/spec/replicas",)),
        (_entry("meshctl", {"f:spec": {"f:template": {}}}, "Apply"), 1, ()),
    ],
)
def test_replicas_are_an_addition_unless_ours_or_an_autoscalers(
    entry: Object, count: int, found: tuple[str, ...]
) -> None:
    assert foreign.replicas(_object(entry, spec={"replicas": count})) == found


def test_labels_that_istio_reads_and_nobody_wants_are_additions() -> None:
    item = _object(metadata={"labels": {"istio-injection": "enabled", "topology.istio.io/network": "x", "team": "a"}})

    assert foreign.labels(item, {"istio-injection": "enabled"}, ["istio"]) == (
        "/metadata/labels/topology.istio.io~1network",
    )
