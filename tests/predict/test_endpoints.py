"""Endpoint tables equal those that istiod 1.31 gave the proxies of 31 meshes under up to ten rules each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from meshctl.predict.mesh import Mesh, Pod
from meshctl.predict.outage import damage
from meshctl.predict.policy import Rule
from meshctl.predict.release import Release
from meshctl.predict.targets import parse

from .recordings import mesh_of, predicted, proxy_of, recorded

MESHES, ACTS = recorded("meshes"), recorded("acts")
CLASSROOM = mesh_of(MESHES["classroom"])


@pytest.mark.parametrize("name", MESHES)
def test_tables_equal_those_of_istiod(name: str) -> None:
    mesh = mesh_of(MESHES[name])
    compared = 0
    for case, content in MESHES[name]["cases"].items():
        for proxies, tables, weighted in content["tables"]:
            for proxy_name in proxies:
                proxy = proxy_of(MESHES[name]["proxies"][proxy_name], mesh)
                for xds_name, expected in tables.items():
                    found, settings = predicted(mesh, proxy, content["rules"], xds_name)
                    assert found == expected, (case, proxy_name, xds_name)
                    assert settings.locality_weighted == weighted.get(xds_name, settings.locality_weighted)
                    compared += 1
    assert compared


def failing(*words: str) -> Callable[[Mesh], Mesh]:
    return lambda mesh: damage(mesh, parse(words, mesh)).mesh


def with_pods(change: Callable[[Pod], Pod], cluster: str = "") -> Callable[[Mesh], Mesh]:
    def changed(pods: Iterable[Pod]) -> tuple[Pod, ...]:
        return tuple(change(pod) if pod.cluster.startswith(cluster) else pod for pod in pods)

    return lambda mesh: replace(mesh, pods=changed(mesh.pods))


def moved_gateway(mesh: Mesh) -> Mesh:
    clusters = (
        replace(one, gateways=tuple(address.replace(".100:", ".199:") for address in one.gateways))
        for one in mesh.clusters
    )
    return replace(mesh, clusters=tuple(clusters))


def unchanged(mesh: Mesh) -> Mesh:
    return mesh


# What istiod does when something happens to the classroom, as outages or as another mesh.
EVENTS: dict[str, Callable[[Mesh], Mesh]] = {
    "base": unchanged,
    "cluster1 productpage not ready": failing("unready/productpage@cluster1"),
    "cluster1 productpage terminating": failing("gone/productpage@cluster1"),
    "cluster1 productpage scaled to 0 (slice empty)": failing("gone/productpage@cluster1"),
    "remote secret of cluster2 deleted": failing("secret/cluster2"),
    "service productpage deleted in cluster2": failing("gone/productpage@cluster2"),
    "API server of cluster2 dies": failing("apiserver/cluster2"),
    "externalIPs of cluster1 gateway changed to .199": moved_gateway,
    "network label removed from istio-system of cluster2": with_pods(lambda pod: replace(pod, network=""), "cluster2"),
    "PeerAuthentication DISABLE in istio": with_pods(lambda pod: replace(pod, mtls=False)),
    "tlsMode label removed from the productpage pod of cluster2": with_pods(
        lambda pod: replace(pod, mtls=pod.mtls and pod.service != "productpage"), "cluster2"
    ),
    "PeerAuthentication STRICT in istio": unchanged,
    "cross-network-gateway deleted": unchanged,
    "externalIPs removed from the gateway of cluster2": unchanged,
    "region label removed from the nodes of cluster2 (pods not restarted)": unchanged,
}


@pytest.mark.parametrize("name", ACTS["acts"])
def test_tables_follow_what_happens_as_istiods_do(name: str) -> None:
    event, _, rule = name.partition(" | ")
    mesh = EVENTS[event](CLASSROOM)
    for proxy_name, tables in ACTS["acts"][name].items():
        proxy = proxy_of(MESHES["classroom"]["proxies"][proxy_name], CLASSROOM)
        for xds_name, expected in tables.items():
            assert predicted(mesh, proxy, ACTS["rules"][rule], xds_name)[0] == expected, (proxy_name, xds_name)


def weights(mesh: Mesh, release: Release, rules: list[Rule], proxy: str) -> dict[str, int]:
    asking = proxy_of(MESHES["classroom"]["proxies"][proxy], mesh)
    name = "outbound|9080||productpage.istio.svc.cluster.local"
    found, _ = predicted(replace(mesh, release=release), asking, rules, name)
    return {address: weight for group in found for address, weight in group["endpoints"].items()}


def test_two_gateways_of_one_network_double_every_weight() -> None:
    assert CLASSROOM.gateways.scale == 2
    assert Mesh(CLASSROOM.clusters[:2], ()).gateways.scale == 1


def test_the_courses_release_scales_by_the_proxys_own_network() -> None:
    first, second = "cluster1/istio/productpage-v1", "cluster2/istio/productpage-v1"
    assert set(weights(CLASSROOM, Release(11), [], first).values()) == {2}
    assert set(weights(CLASSROOM, Release(11), [], second).values()) == {1}
    assert set(weights(CLASSROOM, Release(31), [], second).values()) == {2}


def test_before_1_31_pods_that_are_not_ready_leave_the_table() -> None:
    mesh = EVENTS["cluster1 productpage not ready"](CLASSROOM)
    proxy, gateways = "cluster1/istio/productpage-v1", {"192.168.229.101:15443", "192.168.229.102:15443"}
    assert weights(mesh, Release(30), [], proxy).keys() == gateways
    assert weights(mesh, Release(31), [], proxy).keys() == gateways | {"172.20.2.10:9080 UNHEALTHY"}
