"""What happens to endpoints while a mesh runs equals istiod 1.31.0's: pods, secrets, labels and addresses that go.

Like istiod the model keeps a gateway Service's last addresses, still counts the gateways of a cluster that left, and
leaves a running pod the locality that it started with: all of that is known only to who saw the state before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from meshctl.sandbox.xds import clusters, endpoints, kubernetes, mesh
from meshctl.sandbox.xds.configs import store
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.topology import NETWORK_LABEL, REGION_LABEL
from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import Json

ACTS = recordings.read("acts.json.gz")
FAILOVER = recordings.read("labs.json.gz")["19-failover"]["objects"]
Objects = dict[str, list[Json]]


def item(objects: Objects, cluster: str, kind: str, name: str) -> Json:
    return next(o for o in objects[cluster] if o["kind"] == kind and o["metadata"]["name"] == name)


def set_conditions(objects: Objects, **conditions: bool) -> None:
    for endpoint in item(objects, "cluster1", "EndpointSlice", "productpage-abcde")["endpoints"]:
        endpoint["conditions"] = conditions


def not_ready(objects: Objects) -> None:
    set_conditions(objects, ready=False, serving=False, terminating=False)


def terminating(objects: Objects) -> None:
    set_conditions(objects, ready=False, serving=True, terminating=True)


def scaled_to_zero(objects: Objects) -> None:
    item(objects, "cluster1", "EndpointSlice", "productpage-abcde")["endpoints"] = []


def secret_deleted(objects: Objects) -> None:
    del objects["cluster2"]


def network_unnamed(objects: Objects) -> None:
    del item(objects, "cluster2", "Namespace", "istio-system")["metadata"]["labels"][NETWORK_LABEL]


def addresses_removed(objects: Objects) -> None:
    del item(objects, "cluster2", "Service", "istio-eastwestgateway")["spec"]["externalIPs"]


def address_changed(objects: Objects) -> None:
    item(objects, "cluster1", "Service", "istio-eastwestgateway")["spec"]["externalIPs"] = ["192.168.229.199"]


def region_removed(objects: Objects) -> None:
    for node in (o for o in objects["cluster2"] if o["kind"] == "Node"):
        del node["metadata"]["labels"][REGION_LABEL]


def peer_authentication(mode: str) -> Callable[[Objects], None]:
    policy = recordings.istio("PeerAuthentication", "default", {"mtls": {"mode": mode}})
    return lambda objects: objects["cluster1"].append(policy)


def sidecar_label_removed(objects: Objects) -> None:
    pod = item(objects, "cluster2", "Pod", "productpage-v1-cluster2-10")
    del pod["metadata"]["labels"]["security.istio.io/tlsMode"]


def service_deleted(objects: Objects) -> None:
    for kind, name in (("Service", "productpage"), ("EndpointSlice", "productpage-abcde")):
        objects["cluster2"].remove(item(objects, "cluster2", kind, name))


def gateway_deleted(objects: Objects) -> None:
    objects["cluster1"].remove(item(objects, "cluster1", "Gateway", "cross-network-gateway"))


def nothing(objects: Objects) -> None:
    """A dead API server tells nothing: its cluster's last objects stay."""


CHANGES: Mapping[str, Callable[[Objects], None]] = {
    "base": nothing,
    "cluster1 productpage not ready": not_ready,
    "cluster1 productpage terminating": terminating,
    "cluster1 productpage scaled to 0 (slice empty)": scaled_to_zero,
    "remote secret of cluster2 deleted": secret_deleted,
    "network label removed from istio-system of cluster2": network_unnamed,
    "externalIPs removed from the gateway of cluster2": addresses_removed,
    "externalIPs of cluster1 gateway changed to .199": address_changed,
    "region label removed from the nodes of cluster2 (pods not restarted)": region_removed,
    "PeerAuthentication STRICT in istio": peer_authentication("STRICT"),
    "PeerAuthentication DISABLE in istio": peer_authentication("DISABLE"),
    "tlsMode label removed from the productpage pod of cluster2": sidecar_label_removed,
    "service productpage deleted in cluster2": service_deleted,
    "cross-network-gateway deleted": gateway_deleted,
    "API server of cluster2 dies": nothing,
}


def after(change: Callable[[Objects], None], added: list[Json], *, remembering: bool = True) -> Mesh:
    """The mesh after a change, built by whoever saw what was before."""
    classroom = recordings.classroom()
    objects: Objects = {
        name: [dict(deepcopy(item)) for item in items] for name, items in classroom.apply(added).clusters.items()
    }
    before = {name: kubernetes.read(name, items, classroom.config) for name, items in objects.items()}
    first = mesh.build(before.values(), store(objects["cluster1"]), classroom.config, "cluster1")
    change(objects)
    known = before if remembering else {}
    now = [kubernetes.read(name, items, classroom.config, known.get(name)) for name, items in objects.items()]
    previous = first if remembering else None
    return mesh.build(now, store(objects["cluster1"]), classroom.config, "cluster1", previous)


def tables(seen: Mesh, proxy: str) -> Json:
    found = endpoints.build(seen, recordings.member(proxy))
    return {name: recordings.table(value) for name, value in found.items() if "productpage" in name}


def expected(case: Any, start: Any) -> Json:
    recorded = case.get("endpoints") or start["endpoints"]
    return {name: recordings.plain(rows) for name, rows in recorded.items()}


@pytest.mark.parametrize("act", ACTS)
def test_endpoints_follow_as_istiods_do(act: str) -> None:
    what, rule = act.split(" | ")
    start = ACTS[f"base | {rule}"]
    changed = (
        {proxy: group for group in ACTS[act]["changed"] for proxy in group["proxies"]} if what != "base" else start
    )
    seen = after(CHANGES[what], FAILOVER if rule == "failover" else [])
    assert changed
    for proxy, case in changed.items():
        assert tables(seen, proxy) == expected(case, start[proxy]), proxy
        names = case.get("clusters") or start[proxy]["clusters"]
        built = clusters.build(seen, recordings.member(proxy))
        assert sorted(n for n in built if "productpage" in n) == sorted(names), proxy


def test_who_saw_nothing_before_forgets_a_gateways_address_at_once() -> None:
    fresh = after(addresses_removed, [], remembering=False)
    groups = tables(fresh, recordings.SIDECAR)["outbound|9080||productpage.istio.svc.cluster.local"]
    assert [group["endpoints"] for group in groups] == [
        {"172.20.2.10:9080": 1},
        {"192.168.229.102:15443": 1},
        {"192.168.229.102:15443": 1},
    ]


def test_a_restarted_pod_gets_the_locality_of_its_node() -> None:
    def restarted(objects: Objects) -> None:
        region_removed(objects)
        for pod in (o for o in objects["cluster2"] if o["kind"] == "Pod"):
            pod["metadata"]["uid"] = "new"

    groups = tables(after(restarted, []), recordings.SIDECAR)["outbound|9080||productpage.istio.svc.cluster.local"]
    assert [group["locality"] for group in groups] == ["/z2/sz02", "us-central1/z1/sz01", "us-central3/z3/sz03"]


def test_gateways_of_a_cluster_that_left_count_until_another_gateway_changes() -> None:
    def left_and_moved(objects: Objects) -> None:
        secret_deleted(objects)
        address_changed(objects)

    groups = tables(after(left_and_moved, []), recordings.SIDECAR)["outbound|9080||productpage.istio.svc.cluster.local"]
    assert [group["weight"] for group in groups] == [1, 1]
