"""`meshctl predict` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pp, namespace: istio}
spec:
  host: productpage
  trafficPolicy:
    loadBalancer: {localityLbSetting: {failover: [{from: us-central1, to: us-central2}]}}
    outlierDetection: {consecutive5xxErrors: 1, maxEjectionPercent: 100}
"""


def predict(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "meshctl", "predict", "--preset", "classroom", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_json_says_who_made_it_and_where_requests_end(tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text(RULE)
    fail = ["--fail", "cluster2", "--fail", "gone/productpage@cluster1"]
    result = json.loads(predict(tmp_path, "-f", "rule.yaml", *fail, "--client", "cluster1", "-o", "json").stdout)
    assert result["producer"] == "meshctl model"
    assert result["clients"]["cluster1"]["clusters"] == {"cluster1": 0, "cluster2": 0, "cluster3": 1}
    assert result["clients"]["cluster1"]["ejected"] == ["192.168.229.101:15443"]


def test_the_table_shows_endpoints_and_bars(tmp_path: Path) -> None:
    output = predict(tmp_path, "--client", "cluster2").stdout
    assert "192.168.229.100:15443          us-central1/z1/sz01   0          2" in output
    assert output.count("33.3 %") == 6


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("a: [", (), "is not YAML"),
        ("kind: Service", (), "holds no DestinationRule"),
        ("- 1", (), "expected Kubernetes objects"),
        (RULE.replace("productpage", "[1]"), (), "spec.host is missing"),
        (RULE.replace("[{from: us-central1, to: us-central2}]", "[1]"), (), "failover[0]"),
        (RULE, ("--fail", "cluster9"), "cluster 'cluster9' is unknown"),
        (RULE, ("--client", "pluto"), "cluster 'pluto' is unknown"),
        (RULE, ("--service", "productpge"), "did you mean productpage?"),
        (RULE, ("--replicas", "x=2"), "expected SERVICE[@CLUSTER]=N"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, content: str, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "rule.yaml").write_text(content)
    result = predict(tmp_path, "-f", "rule.yaml", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
