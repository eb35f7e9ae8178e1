"""Which mutual TLS a server demands (Istio security/authn, model/authentication.go)."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.xds import peer_authentication
from meshctl.sandbox.xds.configs import Config
from meshctl.sandbox.xds.peer_authentication import PeerAuthentications

ROOT = "istio-system"


def policy(mode: str | None, namespace: str = "shop", name: str = "p", **spec: Any) -> Config:
    mtls = {"mtls": {"mode": mode}} if mode else {}
    return Config("PeerAuthentication", name, namespace, {**mtls, **spec})


def policies(*configs: Config) -> PeerAuthentications:
    return peer_authentication.index(configs, ROOT)


def selecting(**labels: str) -> dict[str, Any]:
    return {"selector": {"matchLabels": labels}}


@pytest.mark.parametrize(
    ("configs", "mode"),
    [
        ([], "PERMISSIVE"),
        ([policy("STRICT", ROOT)], "STRICT"),
        ([policy("STRICT", ROOT), policy("DISABLE")], "DISABLE"),
        ([policy("STRICT", ROOT), policy("UNSET")], "STRICT"),
        ([policy("STRICT", ROOT), policy(None)], "STRICT"),
        ([policy("DISABLE", "elsewhere")], "PERMISSIVE"),
        ([policy("STRICT"), policy("DISABLE", name="newer")], "STRICT"),
        ([policy("DISABLE", **selecting(app="a"))], "PERMISSIVE"),
    ],
)
def test_a_namespace_asks_its_own_policy_then_the_meshs(configs: list[Config], mode: str) -> None:
    assert policies(*configs).namespace_mode("shop").value == mode


def test_a_workloads_policy_wins_and_one_of_its_ports_over_it() -> None:
    own = policy("STRICT", portLevelMtls={"9080": {"mode": "DISABLE"}, 9090: {"mode": "UNSET"}}, **selecting(app="a"))
    found = policies(policy("DISABLE"), own)
    modes = [found.workload_mode("shop", {"app": "a", "x": "y"}, port).value for port in (9080, 9090, 80)]
    assert modes == ["DISABLE", "STRICT", "STRICT"]
    assert found.workload_mode("shop", {"app": "b"}, 9080).value == "DISABLE"
    assert found.ports("shop", {"app": "a"}) == {9080, 9090}


def test_ports_of_a_policy_for_everyone_are_ignored() -> None:
    whole = policy("STRICT", portLevelMtls={9080: {"mode": "DISABLE"}})
    assert policies(whole).workload_mode("shop", {"app": "a"}, 9080).value == "STRICT"


def test_a_selector_in_the_root_namespace_selects_nobody() -> None:
    assert (
        policies(policy("DISABLE", ROOT, **selecting(app="a"))).workload_mode(ROOT, {"app": "a"}, 1).value
        == "PERMISSIVE"
    )
