"""What istiod tells of its proxies becomes what istioctl prints of them."""

from __future__ import annotations

from meshctl.mesh.synchronization import Synchronization, gist, parse
from tests.mesh.pods import made

REAL = {
    "cluster_id": "cluster2",
    "proxy": "details-v1-x.istio",
    "istio_version": "1.31.0",
    "cluster_sent": "n1",
    "cluster_acked": "n1",
    "listener_sent": "n2",
    "listener_acked": "n1",
    "endpoint_sent": "n3",
}
SANDBOX = {
    "cluster_id": "cluster1",
    "proxy": "p.istio",
    "cluster_status": "SYNCED",
    "listener_status": "ERROR",
    "listener_error": "listener 0.0.0.0_80: no",
    "route_status": "NOT SENT",
}


def test_a_real_istiods_nonces_are_compared() -> None:
    found = parse(REAL, "istiod-1")
    assert found.states == {"CDS": "SYNCED", "LDS": "STALE", "EDS": "STALE", "RDS": "NOT SENT"}
    assert (found.cluster, found.name, found.istiod, found.version) == (
        "cluster2",
        "details-v1-x.istio",
        "istiod-1",
        "1.31.0",
    )
    assert not found.synced


def test_a_refusal_is_told_in_envoys_words() -> None:
    found = parse(SANDBOX, "istiod-1")
    assert found.states["LDS"] == "ERROR"
    assert found.refusals == {"LDS": "listener 0.0.0.0_80: no"}
    assert not found.synced


def test_what_was_never_sent_is_no_fault() -> None:
    told = {f"{kind}_{what}": "n" for kind in ("cluster", "listener", "endpoint") for what in ("sent", "acked")}
    assert parse(told, "istiod-1").synced


def test_a_proxy_that_runs_unconnected_is_missing() -> None:
    assert not Synchronization((), (made("c1", "p", "p-v1"),), ()).synced


def test_a_refusal_is_told_without_the_resource_that_it_quotes() -> None:
    quoted = 'goo.gle/debugonly   \nname: "outbound|80||a"\ntype: EDS\n}\n: Proto constraint validation failed (x)\n'
    assert gist(quoted) == "outbound|80||a: Proto constraint validation failed (x)"
    assert gist("Error adding listener: no") == "Error adding listener: no"
