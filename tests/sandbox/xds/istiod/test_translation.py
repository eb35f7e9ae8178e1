"""A push after a change of pods does only what the change asks for, and leaves proxies with what a whole one gives."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from meshctl.sandbox.xds import mesh
from meshctl.sandbox.xds.istiod import translation
from meshctl.sandbox.xds.istiod.change import Change
from meshctl.sandbox.xds.istiod.messages import CLUSTER, ENDPOINTS, LISTENER
from meshctl.sandbox.xds.istiod.translation import Found, Part
from meshctl.sandbox.xds.mesh import Mesh
from tests.sandbox.xds import recordings, test_recorded_acts
from tests.sandbox.xds.test_recorded_acts import Objects, item

PROXIES = (recordings.SIDECAR, recordings.INGRESS, recordings.EAST_WEST, "cluster1/istio/details-v1")
HEADLESS = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "headless", "namespace": "istio"},
    "spec": {"clusterIP": "None", "selector": {"app": "ratings"}, "ports": [{"name": "tcp", "port": 9080}]},
}


def another_place(objects: Objects) -> None:
    pod = item(objects, "cluster1", "Pod", "details-v1-cluster1-11")
    pod["metadata"]["labels"]["topology.istio.io/locality"] = "us-central3/z3/sz03"


def headless_filled(objects: Objects) -> None:
    own = deepcopy(item(objects, "cluster1", "EndpointSlice", "ratings-abcde"))
    own["metadata"] = {
        **own["metadata"],
        "name": "headless-abcde",
        "labels": {"kubernetes.io/service-name": "headless"},
    }
    own["ports"] = [{"name": "tcp", "port": 9080}]
    objects["cluster1"].append(own)


def account_changed(objects: Objects) -> None:
    item(objects, "cluster1", "Pod", "productpage-v1-cluster1-10")["spec"]["serviceAccountName"] = "another"


CHANGES: dict[str, Callable[[Objects], None]] = {
    "nothing": lambda objects: None,
    "not ready": test_recorded_acts.not_ready,
    "scaled to zero": test_recorded_acts.scaled_to_zero,
    "another place": another_place,
    "headless filled": headless_filled,
    "account changed": account_changed,
}


@cache
def start() -> tuple[Objects, Mesh, dict[str, Found]]:
    listing = recordings.classroom().apply([HEADLESS])
    objects: Objects = {name: [dict(deepcopy(one)) for one in items] for name, items in listing.clusters.items()}
    found = _mesh(objects)
    return objects, found, {name: _whole(found, name) for name in PROXIES}


def _mesh(objects: Objects) -> Mesh:
    return mesh.assemble(objects, "cluster1", recordings.classroom().config)


def _whole(seen: Mesh, proxy: str) -> Found:
    (part,) = translation.translation(seen).of(recordings.member(proxy))
    return part.found


def _changed(change: Callable[[Objects], None]) -> tuple[Mesh, dict[str, tuple[Part, ...]]]:
    objects, before, _ = start()
    objects = deepcopy(objects)
    change(objects)
    after = _mesh(objects)
    work = translation.translation(after, Change(clusters={"cluster1"}), before)
    return after, {name: work.of(recordings.member(name)) for name in PROXIES}


@pytest.mark.parametrize("name", CHANGES)
def test_what_proxies_have_afterwards_is_what_a_whole_push_gives(name: str) -> None:
    after, parts = _changed(CHANGES[name])
    for proxy in PROXIES:
        had: dict[str, Any] = dict(start()[2][proxy])
        for part in parts[proxy]:
            for url, found in part.found.items():
                had[url] = found if part.hosts is None else translation.merged(had[url], found, part.hosts)
        assert had == _whole(after, proxy), proxy


def test_pods_that_come_and_go_touch_their_services_endpoints_alone() -> None:
    _, parts = _changed(CHANGES["scaled to zero"])
    found = {url: set(names) for part in parts[recordings.INGRESS] for url, names in part.found.items()}
    name = "outbound|9080||productpage.istio.svc.cluster.local"
    assert found == {CLUSTER: {name}, ENDPOINTS: {name}}


def test_what_no_proxy_sees_costs_nothing() -> None:
    _, parts = _changed(CHANGES["nothing"])
    assert not any(parts.values())


def test_only_the_proxy_that_moved_is_translated_anew() -> None:
    _, parts = _changed(another_place)
    whole = {name for name in PROXIES if any(part.hosts is None and LISTENER in part.found for part in parts[name])}
    assert whole == {"cluster1/istio/details-v1"}
