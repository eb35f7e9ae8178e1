"""None of the course's mistakes is in what is rendered for its own version and its own classroom."""

from __future__ import annotations

import re

import pytest

from meshctl.render.tree import tree
from meshctl.validate import find_topology, with_istio

CLASSROOM = find_topology(preset="classroom")
COURSE = {file.path: file.content for file in tree(with_istio(CLASSROOM, "1.11.2"))}
TODAY = {file.path: file.content for file in tree(CLASSROOM)}
GUIDE = COURSE["README.md"]


@pytest.mark.parametrize("host", ["192.168.229.143", "192.168.229.144", "192.168.229.145"])
def test_files_of_cluster3_go_to_the_hosts_of_cluster3(host: str) -> None:
    lines = [line for line in GUIDE.splitlines() if "00-routes/cluster3" in line and line.startswith("scp")]
    assert any(host in line for line in lines)
    assert not any("192.168.229.140" in line for line in lines)


def test_every_cluster_gets_its_own_label_certificate_and_installation() -> None:
    for cluster in ("cluster1", "cluster2", "cluster3"):
        assert f"--context {cluster} apply -f 20-namespaces/{cluster}.yaml" in GUIDE
        assert f"certs/{cluster}/ca-key.pem" in GUIDE
        assert re.search(rf"istioctl --context {cluster} install -y -f \S+/{cluster}.yaml", GUIDE)


def test_exposure_is_deleted_where_it_was_applied() -> None:
    assert "-n istio-system delete gateway cross-network-gateway istiod-gateway" in GUIDE
    assert "-n istio-system delete virtualservice istiod-vs" in GUIDE


def test_remote_secrets_are_deleted_in_the_primary_only() -> None:
    lines = [line for line in GUIDE.splitlines() if "delete secret" in line]
    assert lines == [
        "kubectl --context cluster1 -n istio-system delete secret "
        "istio-remote-secret-cluster2 istio-remote-secret-cluster3"
    ]


def test_teardown_removes_gateways_crds_routes_and_labels_and_needs_no_reboot() -> None:
    assert GUIDE.count("uninstall --context") == GUIDE.count("--purge -y") == 3
    assert "ip route flush proto 157" in GUIDE
    assert GUIDE.count("topology.kubernetes.io/region-") == 3
    assert "reboot" not in GUIDE


def test_remotes_go_before_the_primary_when_all_is_taken_away() -> None:
    order = re.findall(r"uninstall --context (\S+)", GUIDE)
    assert order == ["cluster2", "cluster3", "cluster1"]


def test_expose_services_is_applied_once() -> None:
    assert sum("cross-network-gateway" in content for path, content in COURSE.items() if path.endswith(".yaml")) == 1


def test_region_labels_have_the_topology_prefix() -> None:
    for tree_ in (COURSE, TODAY):
        labels = tree_["10-node-labels/cluster1.yaml"]
        assert "topology.kubernetes.io/region: us-central1" in labels
        assert not re.search(r"(?<!topology\.)kubernetes\.io/region", labels)


def test_the_gateway_of_cluster3_is_registered() -> None:
    assert "192.168.229.102" in COURSE["61-eastwest-remotes/cluster3.external-ips.yaml"]


def test_the_course_flavour_is_never_installed_by_a_new_istio() -> None:
    assert "profile: demo" not in TODAY["60-istio-remotes/cluster2.yaml"]
    assert "profile: remote" not in COURSE["60-istio-remotes/cluster2.yaml"]


def test_namespaces_are_spelled_as_they_are() -> None:
    for content in (*COURSE.values(), *TODAY.values()):
        assert "isito" not in content
        assert "piVersion" not in content.replace("apiVersion", "")


def test_the_ingress_routes_without_a_subset_that_nobody_defines() -> None:
    assert "subset" not in COURSE["80-ingress/cluster1.yaml"]
