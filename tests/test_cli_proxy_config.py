"""`meshctl proxy-config --objects` as a person types it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from meshctl.cli.proxy_config import proxy_config

GOLDEN = Path(__file__).parent / "golden" / "xds"
PRODUCTPAGE = "outbound|9080||productpage.istio.svc.cluster.local"
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pp, namespace: istio}
spec:
  host: productpage
  trafficPolicy:
    loadBalancer: {localityLbSetting: {distribute: [{from: us-central1/*, to: {us-central3/*: 100}}]}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classroom's objects as files."""
    made = tmp_path_factory.mktemp("objects")
    source = json.loads(gzip.decompress((GOLDEN / "classroom.json.gz").read_bytes()))
    for name, items in source["clusters"].items():
        (made / f"{name}.yaml").write_text(yaml.safe_dump_all(items))
    (made / "mesh.yaml").write_text(yaml.safe_dump(source["mesh"]))
    (made / "proxies.json").write_text(json.dumps(source["proxies"]))
    return made


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(proxy_config)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: str | Path) -> Any:
    return json.loads(run(*arguments, "-o", "json").stdout)


def test_json_is_by_proxy_kind_and_name(folder: Path) -> None:
    found = answer("cluster1/istio/sleep", "productpage-v1-cluster2-10", "--objects", folder)
    assert list(found) == ["cluster1/istio/sleep", "cluster2/istio/productpage-v1"]
    for resources in found.values():
        assert list(resources) == ["clusters", "endpoints", "listeners", "routes"]
        assert resources["clusters"][PRODUCTPAGE]["name"] == PRODUCTPAGE
        assert resources["endpoints"][PRODUCTPAGE]["cluster_name"] == PRODUCTPAGE
        assert resources["listeners"]["0.0.0.0_9080"]["name"] == "0.0.0.0_9080"
        assert resources["routes"]["9080"]["name"] == "9080"


def test_without_a_name_it_is_every_proxy(folder: Path) -> None:
    found = answer("--objects", folder, "-t", "endpoints")
    assert len(found) == 30
    assert {kind for resources in found.values() for kind in resources} == {"endpoints"}


def test_a_rule_is_tried_before_it_is_applied(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rule.yaml").write_text(RULE)
    found = run("cluster1/istio/sleep", "--objects", folder, "--apply", tmp_path / "rule.yaml", "-t", "endpoints")
    rows = [line.split() for line in found.stdout.splitlines() if line.endswith(PRODUCTPAGE)]
    assert rows == [
        ["(none)", "-", "us-central1/z1/sz01", "0", "-", "2", PRODUCTPAGE],
        ["(none)", "-", "us-central2/z2/sz02", "0", "-", "2", PRODUCTPAGE],
        ["192.168.229.102:15443", "HEALTHY", "us-central3/z3/sz03", "0", "2", "100", PRODUCTPAGE],
    ]


def test_tables_have_istioctls_columns(folder: Path) -> None:
    shown = run("cluster1/istio-system/istio-ingressgateway", "--objects", folder).stdout
    assert "SERVICE FQDN" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["productpage.istio.svc.cluster.local", "9080", "-", "outbound", "EDS", "LEAST_REQUEST", "-"] in lines
    assert ["0.0.0.0", "8080", "ALL", "Route:", "http.8080"] in lines
    route = "http.8080 *:80 * /productpage outbound|9080|v1|productpage.istio.svc.cluster.local bookinfo.istio"
    assert route.split() in lines


def test_an_empty_kind_says_so(folder: Path) -> None:
    shown = run("cluster1/istio-system/istio-egressgateway", "--objects", folder, "-t", "routes").stdout
    assert shown.splitlines()[1] == "none"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("prodpage", "did you mean cluster1/istio/productpage-v1"),
        ("reviews", "cluster1/istio/reviews-v1 or cluster1/istio/reviews-v2"),
        ("zzz", "proxies.json, which has cluster1/"),
    ],
)
def test_an_unknown_proxy_is_answered_with_those_that_are_like_it(folder: Path, name: str, words: str) -> None:
    refused = run(name, "other", "--objects", folder).exception
    assert words in str(refused)
    assert "'other'" in str(refused)


def test_a_rule_is_not_tried_on_the_live_mesh(tmp_path: Path) -> None:
    assert "--objects DIR" in str(run("cluster1/istio/sleep", "--apply", tmp_path / "rule.yaml").exception)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{host: productpage, trafficPolicy: 7}", "DestinationRule pp: not what its schema demands"),
        (
            "{host: productpage, subsets: [{labels: {a: b}}]}",
            "DestinationRule pp: not what its schema demands: no 'name'",
        ),
        ("{host: [1]}", "DestinationRule pp: not what its schema demands"),
        ("{host: productpage, exportTo: 5}", "DestinationRule pp: not what its schema demands"),
    ],
)
def test_a_rule_that_no_cluster_would_take_is_named(folder: Path, tmp_path: Path, spec: str, words: str) -> None:
    (tmp_path / "good.yaml").write_text(
        RULE.replace("name: pp", "name: good").replace("host: productpage", "host: reviews")
    )
    (tmp_path / "bad.yaml").write_text(f"{RULE.split('spec:', maxsplit=1)[0]}spec: {spec}\n")
    files = ("--apply", tmp_path / "good.yaml", "--apply", tmp_path / "bad.yaml")
    refused = str(run("cluster1/istio/sleep", "--objects", folder, *files).exception)
    assert words in refused
    assert "bad.yaml" in refused
    assert "good" not in refused.split("bad.yaml")[1]


def test_a_person_hears_what_changes_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}")
    shown = run("cluster1/istio/sleep", "--objects", folder, "--apply", tmp_path / "app.yaml", "-t", "routes")
    assert "Deployment web changes nothing here" in shown.stderr
    assert shown.exit_code == 0


def test_help_has_an_example() -> None:
    assert "Example: meshctl proxy-config" in run("--help").stdout
