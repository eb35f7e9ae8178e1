"""What is rendered for the classroom, to the letter, and what must hold for any topology.

`MESHCTL_ACCEPT=1 pytest tests/render` writes the golden files anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshctl.render.tree import File, tree
from meshctl.topology import Topology
from meshctl.validate import PRESETS, find_topology, with_istio

GOLDEN = Path(__file__).parents[1] / "golden/render"
VERSIONS = ("1.11.2", "1.31.0")


def rendered(preset: str, version: str) -> list[File]:
    return tree(with_istio(find_topology(preset=preset), version))


def documents(files: list[File], folder: str, cluster: str = "cluster1") -> list[dict[str, Any]]:
    (content,) = [file.content for file in files if file.path == f"{folder}/{cluster}.yaml"]
    return list(yaml.safe_load_all(content))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_classroom_is_rendered_to_the_letter(version: str) -> None:
    files = [
        f
        for f in rendered("classroom", version)
        if f.path not in ("70-bookinfo/cluster2.yaml", "70-bookinfo/cluster3.yaml")
    ]
    text = "".join(f"=== {file.path}\n{file.content}" for file in files)
    golden = GOLDEN / f"classroom-{version}.txt"
    if os.environ.get("MESHCTL_ACCEPT"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_file_is_yaml_with_apiversion_and_kind(preset: str, version: str) -> None:
    for file in rendered(preset, version):
        if file.path.endswith(".yaml") and ".external-ips" not in file.path:
            for document in yaml.safe_load_all(file.content):
                assert {"apiVersion", "kind"} <= document.keys(), file.path


def test_a_remote_of_today_points_at_the_primarys_gateway_and_carries_its_own_identity() -> None:
    (operator,) = documents(rendered("classroom", "1.31.0"), "60-istio-remotes", "cluster3")
    values = operator["spec"]["values"]
    assert operator["spec"]["profile"] == "remote"
    assert values["istiodRemote"]["injectionPath"] == "/inject/cluster/cluster3/net/network2"
    assert values["global"]["remotePilotAddress"] == "192.168.229.100"


def test_only_a_remotes_namespace_of_today_names_the_control_plane_cluster() -> None:
    annotations = {
        (version, cluster): documents(rendered("classroom", version), "20-namespaces", cluster)[0]["metadata"].get(
            "annotations"
        )
        for version in VERSIONS
        for cluster in ("cluster1", "cluster2")
    }
    assert annotations == {
        ("1.11.2", "cluster1"): None,
        ("1.11.2", "cluster2"): None,
        ("1.31.0", "cluster1"): None,
        ("1.31.0", "cluster2"): {"topology.istio.io/controlPlaneClusters": "cluster1"},
    }


def test_networking_objects_go_into_the_primary_alone() -> None:
    files = rendered("five-clusters", "1.31.0")
    homes = {file.cluster for file in files if file.path.startswith(("42-", "80-"))}
    assert homes == {"berlin"}


def test_all_addresses_of_a_gateway_become_external_ips_and_a_cluster_without_one_gets_no_gateway() -> None:
    files = rendered("five-clusters", "1.31.0")
    patches = {f.cluster: yaml.safe_load(f.content) for f in files if ".external-ips" in f.path}
    assert patches["tokyo"] == {"spec": {"externalIPs": ["192.168.230.203", "192.168.230.204"]}}
    assert "ohio" not in patches


def test_ports_that_look_like_numbers_and_versions_stay_text() -> None:
    files = rendered("classroom", "1.31.0")
    labels = documents(files, "10-node-labels")[0]["metadata"]["labels"]
    assert all(isinstance(value, str) for value in labels.values())


def test_locality_parts_that_look_like_other_types_are_quoted() -> None:
    text = (Path(__file__).parents[2] / "src/meshctl/presets/classroom.yaml").read_text()
    text = text.replace("zone: z1, subzone: sz01", 'zone: "1", subzone: "no"')
    (labels,) = [document["metadata"]["labels"] for document in documents(tree(_parsed(text)), "10-node-labels")[:1]]
    assert labels["topology.kubernetes.io/zone"] == "1"
    assert labels["topology.istio.io/subzone"] == "no"


def _parsed(text: str) -> Topology:
    from meshctl.validate import parse

    return parse(text, "test")


def test_cacerts_hold_the_four_files_and_only_they_are_secret() -> None:
    pem = {name: name.encode() for name in ("ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem")}
    files = tree(find_topology(preset="classroom"), {"cluster2": pem})
    assert [file.path for file in files if file.secret] == ["30-cacerts/cluster2.yaml"]
    (secret,) = documents(files, "30-cacerts", "cluster2")
    assert sorted(secret["data"]) == sorted(pem)
