from typing import Any

import pytest

from meshctl.sandbox.apiserver.patch.apply import apply, track_update
from meshctl.sandbox.apiserver.patch.refusal import PatchRefused
from meshctl.sandbox.apiserver.patch.schema import ANYTHING, Schema, builtin
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY, FieldSet
from tests.sandbox.apiserver.patch.golden import golden

RECORDED = golden("apply")
Json = dict[str, Any]


def newest_time(entries: list[Json]) -> str | None:
    return max((entry["time"] for entry in entries if "time" in entry), default=None)


def without_entries(item: Json) -> Json:
    return {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "managedFields"}}


def check(step: Json, schema: Schema, gvk: tuple[str, str], reset: FieldSet | None) -> None:
    manager, subresource = step["manager"], step["subresource"]
    if "error" in step:
        with pytest.raises(PatchRefused) as refused:
            apply(step["live"], step["obj"], manager, step["force"], schema, subresource, gvk=gvk, reset=reset)
        assert refused.value.message == step["error"]
        if status := step["status"]:
            assert refused.value.status() == {"kind": "Status", "apiVersion": "v1", **status}
    elif step["op"] == "apply":
        wanted = step["result"]["metadata"].get("managedFields", [])
        now = newest_time(wanted)
        found = apply(
            step["live"], step["obj"], manager, step["force"], schema, subresource, gvk=gvk, reset=reset, now=now
        )
        assert found["metadata"].get("managedFields", []) == wanted
        if reset is not None:
            # A built-in object also gets what Go always writes, which is the storage's business.
            assert without_entries(found) == without_entries(step["result"])
    else:
        now = newest_time(step["result"] or [])
        entries = track_update(step["live"], step["obj"], manager, "Update", schema, subresource, reset=reset, now=now)
        assert entries == (step["result"] or [])


@pytest.mark.parametrize("number", range(len(RECORDED["builtin"])))
def test_built_in_kinds_are_applied_and_tracked_as_kubernetes_does(number: int) -> None:
    conversation = RECORDED["builtin"][number]
    gvk = conversation["apiVersion"], conversation["kind"]
    schema = builtin(*gvk)
    assert schema is not None
    for step in conversation["steps"]:
        check(step, schema, gvk, None)


@pytest.mark.parametrize("number", range(len(RECORDED["custom"])))
def test_custom_resources_are_applied_and_tracked_as_kubernetes_does(number: int) -> None:
    conversation = RECORDED["custom"][number]
    schema = Schema(RECORDED["schema"]) if conversation["typed"] else ANYTHING
    for step in conversation["steps"]:
        check(step, schema, ("g.io/v1", "T"), EMPTY)
