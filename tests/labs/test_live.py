"""What a live environment does with outages that differ from provider to provider."""

from __future__ import annotations

from typing import Any

from meshctl.kube.access import Access, path
from meshctl.kube.client import Client
from meshctl.labs import journal
from meshctl.labs.live import LiveMesh
from meshctl.mesh.clusters import Mesh
from meshctl.predict.outage import Outage
from meshctl.validate import find_topology


class Recorder(Client):
    """A client that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(Access("https://none", "", "", ""))
        self.kept: dict[str, Any] = {}

    def apply(self, manifest: Any) -> Any:
        self.kept[path(manifest)] = manifest
        return manifest

    def delete(self, manifest: Any) -> bool:
        return self.kept.pop(path(manifest), None) is not None

    def read(self, where: str) -> Any:
        kind = where.rpartition("/")[2]
        return {"items": [item for place, item in self.kept.items() if place.split("/")[-2] == kind]}


class Hosts:
    """A provider of real hosts."""

    name = "ssh"


def test_real_pods_fail_by_a_filter_in_their_sidecars_that_is_cleared_up_like_any_rule() -> None:
    client = Recorder()
    names = ("cluster1", "cluster2", "cluster3")
    mesh = Mesh(find_topology(None, "classroom"), {}, dict.fromkeys(names, client))
    env = LiveMesh(mesh, Hosts())  # type: ignore[arg-type]
    outage = Outage("failing", "cluster1", "productpage")
    env.fail(outage)
    (kept,) = client.kept.values()
    (patch,) = kept["spec"]["configPatches"]
    assert patch["match"]["proxy"]["metadata"] == {"CLUSTER_ID": "cluster1"}
    assert patch["patch"]["value"]["typed_config"]["abort"]["http_status"] == 500
    assert [item["metadata"]["name"] for item in journal.owned(env)] == ["lab-failing-productpage-cluster1"]
    env.heal(outage)
    assert client.kept == {}
