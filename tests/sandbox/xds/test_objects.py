"""Objects of several clusters from a directory, and rules laid over them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from meshctl.errors import InvalidInput, UsageError
from meshctl.sandbox.xds import objects
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import Json, rule


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The classroom's objects as files."""
    source = recordings.read("classroom.json.gz")
    for name, items in source["clusters"].items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(items))
    (tmp_path / "mesh.yaml").write_text(yaml.safe_dump(source["mesh"]))
    (tmp_path / "proxies.json").write_text(json.dumps(source["proxies"]))
    return tmp_path


def test_a_directory_holds_a_mesh(folder: Path) -> None:
    found = objects.load(folder)
    assert found == recordings.classroom()
    assert found.primary == "cluster1"


def test_without_a_control_plane_the_cluster_with_istio_objects_is_the_primary(folder: Path) -> None:
    (folder / "cluster1.yaml").write_text("")
    (folder / "cluster2.yaml").write_text(yaml.safe_dump(rule({})))
    assert objects.load(folder).primary == "cluster2"
    (folder / "cluster2.yaml").write_text("")
    (folder / "cluster3.yaml").write_text("")
    assert objects.load(folder).primary == "cluster1"


def test_mesh_settings_may_be_missing(folder: Path) -> None:
    (folder / "mesh.yaml").unlink()
    assert objects.load(folder).config.trust_domain == "cluster.local"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cluster1.yaml", "a: [", "cluster1.yaml:2: not YAML"),
        ("cluster1.yaml", "---\n- 1\n---\nkind: Pod\n", "expected a Kubernetes object, saw list"),
        ("cluster1.yaml", "a: b\n---\nkind: Pod\n", "cluster1.yaml:3: apiVersion: expected text, saw None"),
        ("cluster1.yaml", "{apiVersion: v1, kind: Pod}", "the Pod has no name"),
        (
            "cluster1.yaml",
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: 1}",
            "expected fields in Pod a, saw 1",
        ),
        ("mesh.yaml", "- a", "expected the fields of meshConfig"),
        ("mesh.yaml", "defaultConfig: 5", "not the fields of meshConfig"),
        ("proxies.json", "{", "not JSON"),
        ("proxies.json", "[]", "expected {PROXY: identity}"),
        ("proxies.json", '{"p": {"type": "car"}}', "not a proxy's identity"),
        ("proxies.json", '{"p": 1}', "not a proxy's identity"),
    ],
)
def test_a_spoiled_file_is_refused_with_its_name_and_reason(folder: Path, name: str, content: str, words: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(InvalidInput) as refused:
        objects.load(folder)
    assert words.lower() in str(refused.value).lower()
    assert name in str(refused.value)


def test_all_faults_of_a_file_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("kind: A\n---\napiVersion: v1\n---\n7\n")
    with pytest.raises(InvalidInput) as refused:
        objects.load_objects(tmp_path / "rules.yaml")
    assert [problem.line for problem in refused.value.problems] == [1, 3, 5]


@pytest.mark.parametrize("missing", ["directory", "clusters", "proxies"])
def test_what_is_missing_is_named(folder: Path, missing: str) -> None:
    wanted = {"directory": folder / "gone", "clusters": folder, "proxies": folder}[missing]
    for path in folder.glob({"directory": "-", "clusters": "cluster*", "proxies": "proxies.json"}[missing]):
        path.unlink()
    words = {"directory": "no such directory", "clusters": "no CLUSTER.yaml", "proxies": "proxies.json: no such file"}
    with pytest.raises(UsageError, match=words[missing]):
        objects.load(wanted)


def test_lists_are_opened_and_namespaces_filled_in(tmp_path: Path) -> None:
    items = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}} for kind in ("Pod", "Node")]
    path = tmp_path / "list.yaml"
    path.write_text("---\n" + yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}) + "---\n")
    found = objects.load_objects(path)
    assert [item["metadata"].get("namespace") for item in found] == ["default", None]


def rules_by_age(*files: list[Json]) -> list[str]:
    listing = recordings.classroom()
    for items in files:
        listing = listing.apply(items)
    return [config.name for config in listing.mesh().configs.of("DestinationRule")]


def test_what_is_applied_later_is_younger() -> None:
    assert rules_by_age([rule({}, "z")], [rule({}, "a")]) == ["z", "a"]
    assert rules_by_age([rule({}, "z"), rule({}, "a")]) == ["a", "z"]
    assert rules_by_age([rule({}, "z")], [rule({}, "a")], [rule({"subsets": []}, "z")]) == ["z", "a"]
    old = rule({}, "y", creationTimestamp="2026-01-01T00:00:00Z")
    assert rules_by_age([rule({}, "a")], [old]) == ["y", "a"]


def test_an_applied_object_replaces_the_one_of_its_name() -> None:
    listing = recordings.classroom().apply([rule({"subsets": [{"name": "v1"}]})]).apply([rule({})])
    (found,) = listing.mesh().configs.of("DestinationRule")
    assert "subsets" not in found.spec


def test_a_service_keeps_the_address_that_the_cluster_gave_it() -> None:
    spec = {"selector": {"app": "productpage"}, "ports": [{"name": "http", "port": 9090}]}
    changed = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "productpage", "namespace": "istio"},
        "spec": spec,
    }
    found = recordings.with_objects(changed).registry.by_host["productpage.istio.svc.cluster.local"][0]
    assert found.address_for("cluster1") == "10.68.3.232"
    assert [port.number for port in found.ports] == [9090]


@pytest.mark.parametrize(
    ("item", "note"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, "its pods and EndpointSlices are the cluster's work"),
        ({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}, "is not translated"),
        ({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}, "is not translated"),
        ({"apiVersion": "v1", "kind": "Service"}, "has no clusterIP"),
    ],
)
def test_a_person_is_told_what_changes_nothing(item: Json, note: str) -> None:
    (told,) = objects.unused([{**item, "metadata": {"name": "x"}}])
    assert note in told


def test_rules_and_plain_data_are_nothing_to_tell_of() -> None:
    quiet = [rule({}), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}]
    assert list(objects.unused(quiet)) == []
