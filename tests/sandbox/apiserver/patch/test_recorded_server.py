"""The recorded conversations with a kube-apiserver, held with a server that does nothing but patch."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from meshctl.sandbox.apiserver.patch import PatchRefused, bodies, json_patch, merge_patch, strategic
from meshctl.sandbox.apiserver.patch.apply import apply, track_update
from meshctl.sandbox.apiserver.patch.schema import Schema, builtin
from meshctl.sandbox.apiserver.patch.structured.pathelement import go_json
from tests.sandbox.apiserver.patch.golden import golden

RECORDED = golden("apiserver")
Json = dict[str, Any]
KINDS = {"configmaps": "ConfigMap", "services": "Service"}
PATCHES: dict[str, Callable[[Json, bytes, Schema], Json]] = {
    "application/json-patch+json": lambda live, body, _: json_patch(live, bodies.json_patch_body(body)[0]),
    "application/merge-patch+json": lambda live, body, _: merge_patch(live, bodies.merge_patch_body(body)[0]),
    "application/strategic-merge-patch+json": lambda live, body, schema: strategic(
        live, bodies.strategic_body(body)[0], schema
    ),
}
# What admission and the registries fill in after field management has looked at the object.
FILLED_IN_LATER = {
    "Pod": ("priority", "preemptionPolicy", "tolerations"),
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
    "Node": ("taints",),
    "Namespace": ("finalizers",),
}


def schema_of(kind: str, api_version: str = "v1") -> Schema:
    found = builtin(api_version, kind)
    assert found is not None
    return found


def answer_of(live: Json | None, step: Json) -> Json:
    """The object, or the Status, that a PATCH gives."""
    url = urlsplit(step["path"])
    kind, query = KINDS[url.path.split("/")[-2]], parse_qs(url.query)
    body = step["body"].encode() if isinstance(step["body"], str) else go_json(step["body"]).encode()
    manager, force = query.get("fieldManager", ["conversation"])[0], query.get("force") == ["true"]
    try:
        if step["type"] == "application/apply-patch+yaml":
            config, _ = bodies.apply_body(body)
            return apply(live, config, manager, force, schema_of(kind), gvk=("v1", kind))
        assert live is not None
        new = PATCHES[step["type"]](live, body, schema_of(kind))
        entries = track_update(live, new, manager, "Update", schema_of(kind))
        return {**new, "metadata": {**new["metadata"], "managedFields": entries}}
    except PatchRefused as refused:
        return refused.status()


def comparable(item: Json) -> Json:
    if item["kind"] == "Status":
        return item
    metadata = {key: item["metadata"].get(key) for key in ("name", "managedFields")}
    for entry in metadata["managedFields"]:
        entry.pop("time", None)
    spec = {key: value for key, value in item.get("spec", {}).items() if key == "ports"}
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
    return {"metadata": metadata, "data": item.get("data"), "spec": spec}


def patch_steps(conversation: Json) -> list[tuple[Json | None, Json]]:
    """Every PATCH that patching alone can answer, with the object as it was before."""
    found, lives = [], dict[str, Json]()
    for step in conversation["steps"]:
        path = urlsplit(step["path"]).path
        needs_server = step["status"] in (404, 405, 415) or "fieldManager: Required" in str(step["answer"])
        is_stale = "resourceVersion" in str(step["body"])
        if not needs_server and not is_stale and (path in lives or "apply" in step["type"]):
            found.append((lives.get(path), step))
        if step["status"] < 300:
            lives[path] = step["answer"]
    return found


@pytest.mark.parametrize("conversation", RECORDED["conversations"], ids=lambda one: one["case"])
def test_patches_are_answered_as_the_original_answered(conversation: Json) -> None:
    steps = patch_steps(conversation)
    assert len(steps) >= 7
    for live, step in steps:
        assert comparable(answer_of(live, step)) == comparable(step["answer"]), step["path"]


@pytest.mark.parametrize("case", RECORDED["created"], ids=lambda one: one["object"]["kind"])
def test_a_created_objects_fields_belong_to_its_creator(case: Json) -> None:
    item = case["object"]
    (entry,) = item["metadata"]["managedFields"]
    bare = {**item, "metadata": {key: item["metadata"][key] for key in item["metadata"] if key != "managedFields"}}
    if "spec" in item:
        bare["spec"] = {
            key: item["spec"][key] for key in item["spec"] if key not in FILLED_IN_LATER.get(item["kind"], ())
        }
    schema = schema_of(item["kind"], item["apiVersion"])
    assert track_update(None, bare, "conversation", "Update", schema, now=entry["time"]) == [entry]
