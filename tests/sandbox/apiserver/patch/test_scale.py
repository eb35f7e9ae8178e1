from typing import Any

from meshctl.sandbox.apiserver.patch.apply import track_update
from meshctl.sandbox.apiserver.patch.scale import to_parent, to_scale
from meshctl.sandbox.apiserver.patch.schema import builtin

REPLICAS = {"apps/v1": ("f:spec", "f:replicas")}
Json = dict[str, Any]


def entry(manager: str, fields: Json, **more: str) -> Json:
    head = {"manager": manager, "operation": "Apply", "apiVersion": "apps/v1"}
    return {**head, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


def scaled(parent: list[Json], replicas: int, manager: str) -> list[Json]:
    """The resource's managedFields after a write to its /scale."""
    schema = builtin("autoscaling/v1", "Scale")
    assert schema is not None
    metadata = {"name": "web", "uid": "u", "managedFields": to_scale(parent, REPLICAS)}
    old = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": 2}}
    new = {**old, "spec": {"replicas": replicas}}
    return to_parent(parent, track_update(old, new, manager, "Update", schema, "scale"), "apps/v1", REPLICAS)


def test_scaling_takes_replicas_from_the_applier() -> None:
    parent = [entry("kubectl", {"f:spec": {"f:paused": {}, "f:replicas": {}}}, time="2026-01-01T00:00:00Z")]
    applier, scaler = scaled(parent, 5, "kubectl")
    assert applier["fieldsV1"] == {"f:spec": {"f:paused": {}}}
    # As recorded from the original: no time.
    assert scaler == {
        "manager": "kubectl",
        "operation": "Update",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
        "subresource": "scale",
    }


def test_an_owner_of_nothing_but_replicas_disappears() -> None:
    (only,) = scaled([entry("one", {"f:spec": {"f:replicas": {}}})], 5, "two")
    assert only["manager"] == "two"


def test_scaling_to_the_same_count_changes_nothing() -> None:
    parent = [entry("one", {"f:spec": {"f:replicas": {}}})]
    assert scaled(parent, 2, "two") == parent


def test_entries_of_versions_without_scale_are_dropped() -> None:
    foreign = {**entry("old", {"f:spec": {"f:replicas": {}}}), "apiVersion": "apps/v0"}
    assert to_scale([foreign], REPLICAS) == []
    assert scaled([foreign, entry("one", {"f:spec": {"f:replicas": {}}})], 2, "two") == [
        entry("one", {"f:spec": {"f:replicas": {}}})
    ]
