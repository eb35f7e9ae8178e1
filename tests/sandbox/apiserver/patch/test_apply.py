from typing import Any

import pytest

from meshctl.sandbox.apiserver.patch import Conflict, PatchRefused
from meshctl.sandbox.apiserver.patch.apply import apply, track_update
from meshctl.sandbox.apiserver.patch.lastapplied import ANNOTATION
from meshctl.sandbox.apiserver.patch.managedfields import keep_times
from meshctl.sandbox.apiserver.patch.schema import Schema, builtin, custom
from meshctl.sandbox.apiserver.patch.structured.fieldset import EMPTY

Json = dict[str, Any]
THEN, NOW = "2026-11-23T04:43:03Z", "2026-11-23T05:00:00Z"


def kind(api_version: str, name: str) -> Schema:
    found = builtin(api_version, name)
    assert found is not None
    return found


CONFIG_MAP, DEPLOYMENT, SERVICE = kind("v1", "ConfigMap"), kind("apps/v1", "Deployment"), kind("v1", "Service")


def config_map(data: Json | None = None, **metadata: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}, "data": data or {}}


def deployment(*containers: Json, **spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def service(*ports: Json) -> Json:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": list(ports)}}


def applied(live: Json | None, config: Json, manager: str = "a", force: bool = False, now: str = THEN) -> Json:
    return apply(live, config, manager, force, kind(config["apiVersion"], config["kind"]), now=now)


def updated(old: Json | None, new: Json, manager: str = "b", subresource: str = "", now: str = NOW) -> Json:
    schema = kind(new["apiVersion"], new["kind"])
    entries = track_update(old, new, manager, "Update", schema, subresource, now=now)
    return {**new, "metadata": {**new["metadata"], "managedFields": entries}}


def owned(item: Json) -> Json:
    return {entry["manager"]: entry["fieldsV1"] for entry in item["metadata"]["managedFields"]}


def test_a_field_no_longer_named_by_its_only_owner_goes() -> None:
    live = applied(None, config_map({"x": "1", "y": "2"}))
    assert applied(live, config_map({"x": "1"}))["data"] == {"x": "1"}


def test_a_field_no_longer_named_stays_while_another_names_it() -> None:
    live = applied(applied(None, config_map({"x": "1", "y": "2"})), config_map({"y": "2"}), "b")
    live = applied(live, config_map({"x": "1"}))
    assert live["data"] == {"x": "1", "y": "2"}
    assert owned(live) == {"a": {"f:data": {"f:x": {}}}, "b": {"f:data": {"f:y": {}}}}


def test_what_an_update_took_over_is_not_removed_with_the_configuration() -> None:
    live = applied(None, config_map({"x": "1"}))
    live = updated(live, {**live, "data": {"x": "2"}})
    assert applied(live, config_map())["data"] == {"x": "2"}


def test_a_conflict_names_manager_version_subresource_and_field() -> None:
    live = applied(None, deployment(replicas=2))
    scaled = {**live, "spec": {**live["spec"], "replicas": 5}}
    live = updated(live, scaled, "kubectl", "scale")
    with pytest.raises(Conflict) as refused:
        applied(live, deployment(replicas=2))
    message = 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas'
    assert refused.value.message == f"Apply failed with 1 conflict: {message}"
    assert refused.value.code == 409


def test_conflicts_are_listed_by_manager() -> None:
    live = applied(applied(None, config_map({"x": "1", "y": "2"})), config_map({"z": "3"}), "b")
    with pytest.raises(Conflict) as refused:
        applied(live, config_map({"x": "0", "y": "0", "z": "0"}), "c")
    lines = ['conflicts with "a":', "- .data.x", "- .data.y", 'conflicts with "b":', "- .data.z"]
    assert refused.value.message == "Apply failed with 3 conflicts: " + "\n".join(lines)
    assert [cause.field for cause in refused.value.causes] == [".data.x", ".data.y", ".data.z"]


def test_force_moves_ownership_and_leaves_the_rest() -> None:
    live = applied(None, config_map({"x": "1", "y": "2"}))
    live = applied(live, config_map({"x": "9"}), "b", force=True)
    assert live["data"] == {"x": "9", "y": "2"}
    assert owned(live) == {"a": {"f:data": {"f:y": {}}}, "b": {"f:data": {"f:x": {}}}}


def test_the_same_value_is_shared_without_conflict() -> None:
    live = applied(applied(None, config_map({"x": "1"})), config_map({"x": "1"}), "b")
    assert owned(live) == {"a": {"f:data": {"f:x": {}}}, "b": {"f:data": {"f:x": {}}}}


def test_applying_again_without_change_keeps_object_and_time() -> None:
    live = applied(None, deployment({"name": "main", "image": "web:1"}))
    assert applied(live, deployment({"name": "main", "image": "web:1"}), now=NOW) == live


def test_list_items_are_owned_by_key_and_defaults_are_part_of_it() -> None:
    live = applied(None, service({"port": 80, "name": "http"}))
    step = 'k:{"port":80,"protocol":"TCP"}'
    assert owned(live)["a"]["f:spec"]["f:ports"] == {step: {".": {}, "f:name": {}, "f:port": {}}}
    live = applied(live, service({"port": 80, "protocol": "UDP", "name": "dns"}), "b")
    assert [port["name"] for port in live["spec"]["ports"]] == ["http", "dns"]


def test_items_of_others_keep_their_place() -> None:
    live = applied(None, deployment({"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}))
    live = applied(live, deployment({"name": "new", "image": "n:1"}, {"name": "b", "image": "b:1"}), "b")
    names = [container["name"] for container in live["spec"]["template"]["spec"]["containers"]]
    assert names == ["a", "new", "b"]


def test_a_list_without_keys_is_one_field() -> None:
    live = applied(None, deployment({"name": "main", "args": ["x", "y"]}))
    with pytest.raises(Conflict) as refused:
        applied(live, deployment({"name": "main", "args": ["x"]}), "b")
    assert [cause.field for cause in refused.value.causes] == ['.spec.template.spec.containers[name="main"].args']


def test_a_set_is_owned_item_by_item() -> None:
    live = applied(None, config_map(finalizers=["x/a", "x/b"]))
    live = applied(live, config_map(finalizers=["x/c"]), "b")
    live = applied(live, config_map(finalizers=["x/b"]))
    assert live["metadata"]["finalizers"] == ["x/b", "x/c"]


def test_an_atomic_struct_is_replaced_as_a_whole() -> None:
    live = applied(None, deployment())
    changed = deployment()
    changed["spec"]["selector"] = {"matchLabels": {"other": "yes"}}
    assert applied(live, changed)["spec"]["selector"] == {"matchLabels": {"other": "yes"}}


def test_an_object_nobody_tracked_belongs_to_before_first_apply() -> None:
    live = applied(config_map({"x": "1"}, uid="u"), config_map({"y": "2"}))
    assert owned(live) == {
        "a": {"f:data": {"f:y": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:x": {}}},
    }


def test_an_update_of_an_untracked_object_leaves_it_untracked() -> None:
    live = config_map({"x": "1"}, uid="u")
    assert track_update(live, {**live, "data": {}}, "b", "Update", CONFIG_MAP) == []


def test_an_update_takes_what_it_changes_and_nothing_else() -> None:
    live = applied(None, config_map({"x": "1", "y": "2"}))
    live = updated(live, {**live, "data": {"x": "9", "y": "2", "z": "3"}})
    assert owned(live) == {"a": {"f:data": {"f:y": {}}}, "b": {"f:data": {"f:x": {}, "f:z": {}}}}


def test_an_update_without_change_leaves_entries_and_times_alone() -> None:
    live = updated(None, config_map({"x": "1"}), now=THEN)
    assert updated(live, live, now=NOW) == live


def test_status_and_main_resource_are_tracked_apart() -> None:
    live = updated(None, deployment(replicas=1), "kubectl", now=THEN)
    live = updated(live, {**live, "status": {"replicas": 1}}, "controller", "status")
    live = updated(live, {**live, "status": {"replicas": 7}}, "kubectl")
    entries = {entry.get("subresource"): entry for entry in live["metadata"]["managedFields"]}
    assert entries["status"]["manager"] == "controller"
    assert entries["status"]["fieldsV1"] == {"f:status": {"f:replicas": {}}}
    assert "f:status" not in entries[None]["fieldsV1"]


def test_a_subresource_cannot_rewrite_managed_fields() -> None:
    live = updated(None, deployment(replicas=1), "kubectl")
    forged = {**live, "metadata": {**live["metadata"], "managedFields": []}, "status": {"replicas": 1}}
    assert set(owned(updated(live, forged, "controller", "status"))) == {"kubectl", "controller"}


@pytest.mark.parametrize("asked", [[], [{}]])
def test_managed_fields_can_be_reset(asked: list[Json]) -> None:
    live = updated(None, config_map({"x": "1"}))
    cleared = {**live, "metadata": {"name": "c", "managedFields": asked}}
    assert updated(live, cleared)["metadata"]["managedFields"] == []


def test_a_client_that_forgets_managed_fields_does_not_delete_them() -> None:
    live = updated(None, config_map({"x": "1"}), "kubectl", now=THEN)
    forgot = {**live, "metadata": {"name": "c"}}
    assert updated(live, forgot)["metadata"]["managedFields"] == live["metadata"]["managedFields"]


def test_at_most_ten_updaters_are_remembered() -> None:
    live = updated(None, config_map({"k00": "v"}), "m00", now="2026-01-01T00:00:00Z")
    for number in range(1, 14):
        new = {**live, "data": {**live["data"], f"k{number:02}": "v"}}
        live = updated(live, new, f"m{number:02}", now=f"2026-01-01T00:00:{number:02}Z")
    entries = live["metadata"]["managedFields"]
    assert len(entries) == 10
    ancient = next(entry for entry in entries if entry["manager"] == "ancient-changes")
    assert [key for key in ancient["fieldsV1"]["f:data"] if key != "."] == [f"f:k{number:02}" for number in range(5)]
    assert ancient["time"] == "2026-01-01T00:00:04Z"


def client_side_applied() -> Json:
    text = '{"apiVersion":"v1","data":{"x":"1"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"c"}}\n'
    return updated(None, config_map({"x": "1"}, annotations={ANNOTATION: text}), "kubectl-client-side-apply")


def test_kubectl_takes_over_what_it_applied_client_side() -> None:
    live = applied(client_side_applied(), config_map({"x": "2"}), "kubectl")
    assert live["data"] == {"x": "2"}
    wanted = '{"apiVersion":"v1","data":{"x":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n'
    assert live["metadata"]["annotations"][ANNOTATION] == wanted


def test_kubectl_does_not_take_what_changed_since() -> None:
    live = client_side_applied()
    live = updated(live, {**live, "data": {"x": "7"}}, "someone")
    with pytest.raises(Conflict):
        applied(live, config_map({"x": "2"}), "kubectl")


def test_other_managers_do_not_take_over_client_side_applies() -> None:
    with pytest.raises(Conflict):
        applied(client_side_applied(), config_map({"x": "2"}), "flux")


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ({"kind": "ConfigMap"}, 400, "invalid object type: /, Kind=ConfigMap"),
        (config_map(managedFields=[{"manager": "x"}]), 400, "metadata.managedFields must be nil"),
        (
            {**config_map(), "spec": {}},
            500,
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): .spec: field not declared in schema",
        ),
        (
            config_map({"x": 1}),
            500,
            "failed to create typed patch object (/c; /v1, Kind=ConfigMap): "
            ".data.x: expected string, got &value.valueUnstructured{Value:1}",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(config: Json, code: int, message: str) -> None:
    with pytest.raises(PatchRefused) as refused:
        apply(None, config, "a", False, CONFIG_MAP, gvk=("v1", "ConfigMap"))
    assert (refused.value.code, refused.value.message) == (code, message)


def test_repeated_list_keys_are_refused_in_a_configuration() -> None:
    with pytest.raises(PatchRefused, match=r'\.spec\.ports: duplicate entries for key \[port=80,protocol="TCP"\]'):
        applied(None, service({"port": 80}, {"port": 80, "protocol": "TCP"}))


def test_a_custom_resource_is_merged_by_its_schema() -> None:
    hosts = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    schema = custom({"type": "object", "properties": {"spec": {"type": "object", "properties": {"hosts": hosts}}}})

    def gateway(*names: str) -> Json:
        metadata = {"name": "g", "labels": {"a": "b"}}
        return {"apiVersion": "x.io/v1", "kind": "Gate", "metadata": metadata, "spec": {"hosts": list(names)}}

    live = apply(None, gateway("a", "b"), "one", False, schema)
    live = apply(live, gateway("c"), "two", False, schema)
    assert live["spec"]["hosts"] == ["a", "b", "c"]
    assert owned(live)["two"]["f:metadata"] == {"f:labels": {"f:a": {}}}


def test_a_status_subresource_that_is_off_leaves_status_tracked() -> None:
    item = {"apiVersion": "x.io/v1", "kind": "Gate", "metadata": {"name": "g"}, "status": {"ok": True}}
    (entry,) = track_update(None, item, "m", "Update", custom(None), reset=EMPTY)
    assert entry["fieldsV1"] == {"f:status": {".": {}, "f:ok": {}}}


def test_a_write_that_changes_nothing_but_times_keeps_the_times() -> None:
    old = updated(None, config_map({"x": "1"}), now=THEN)
    new = updated(None, config_map({"x": "1"}), now=NOW)
    assert keep_times(old, new) == old["metadata"]["managedFields"]
    assert keep_times(old, {**new, "data": {}}) == new["metadata"]["managedFields"]


def test_inputs_are_left_alone() -> None:
    live, config = applied(None, service({"port": 80})), service({"port": 80, "name": "x"}, {"port": 81, "name": "y"})
    before = repr((live, config))
    result = applied(live, config, force=True)
    result["spec"]["ports"][0]["name"] = "changed"
    assert repr((live, config)) == before


def test_kubectl_finds_what_it_expects_when_it_moves_to_server_side_apply() -> None:
    """The state that kubectl 1.36 saw in the original when it wrote the two managers' entries as one."""

    def annotation(value: str) -> str:
        return f'{{"apiVersion":"v1","data":{{"red":"{value}"}},"kind":"ConfigMap","metadata":{{"name":"c"}}}}\n'

    live = updated(None, config_map({"red": "1"}), "kubectl-create", now=THEN)
    for value in ("1", "2"):
        new = config_map({"red": value}, annotations={ANNOTATION: annotation(value)})
        live = updated(live, new, "kubectl-client-side-apply", now=THEN)
    live = applied(live, config_map({"red": "3"}), "kubectl", force=True, now=NOW)
    last_applied = {**config_map(annotations={ANNOTATION: annotation("3")})}
    del last_applied["data"]
    live = applied(live, last_applied, "kubectl-last-applied")

    step = f"f:{ANNOTATION}"
    assert owned(live) == {
        "kubectl-last-applied": {"f:metadata": {"f:annotations": {step: {}}}},
        "kubectl": {"f:data": {"f:red": {}}},
        "kubectl-client-side-apply": {"f:metadata": {"f:annotations": {".": {}, step: {}}}},
        "kubectl-create": {"f:data": {}},
    }
    assert "time" not in live["metadata"]["managedFields"][0]
