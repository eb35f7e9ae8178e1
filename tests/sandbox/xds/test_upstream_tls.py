"""TLS towards upstreams that no recording shows, as Istio 1.31 translates it."""

from __future__ import annotations

import pytest

from tests.sandbox.xds import recordings
from tests.sandbox.xds.recordings import (
    PRODUCTPAGE,
    Json,
    built,
    http_options,
    istio,
    rule,
    under,
)


def context(cluster: Json) -> Json:
    found: Json = cluster["transport_socket"]["typed_config"]
    return found


def test_simple_tls_without_a_name_takes_it_from_the_request() -> None:
    found = under({"tls": {"mode": "SIMPLE"}})
    assert http_options(found) == {
        "upstream_http_protocol_options": {"auto_sni": True, "auto_san_validation": True},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    root = context(found)["common_tls_context"]["combined_validation_context"]
    assert root["validation_context_sds_secret_config"]["name"] == "file-root:system"
    assert "sni" not in context(found)


def test_stated_names_are_verified_instead_of_the_requests() -> None:
    found = under({"tls": {"mode": "SIMPLE", "subjectAltNames": ["a.example"]}})
    assert http_options(found)["upstream_http_protocol_options"] == {"auto_sni": True}
    root = context(found)["common_tls_context"]["combined_validation_context"]
    assert root["default_validation_context"] == {"match_subject_alt_names": [{"exact": "a.example"}]}


def test_skipping_verification_leaves_an_empty_validation() -> None:
    found = context(under({"tls": {"mode": "SIMPLE", "sni": "a", "insecureSkipVerify": True}}))["common_tls_context"]
    assert found["validation_context"] == {}


def test_http2_upstreams_are_told_so_by_alpn() -> None:
    policy = {"tls": {"mode": "SIMPLE", "sni": "a"}, "connectionPool": {"http": {"h2UpgradePolicy": "UPGRADE"}}}
    assert context(under(policy))["common_tls_context"]["alpn_protocols"] == ["h2"]
    mutual = {**policy, "tls": {"mode": "ISTIO_MUTUAL"}}
    assert context(under(mutual))["common_tls_context"]["alpn_protocols"] == ["istio-peer-exchange", "istio", "h2"]


def test_the_meshs_ciphers_are_for_tls_that_leaves_the_mesh() -> None:
    defaults = {"cipherSuites": ["A"], "ecdhCurves": ["B"]}
    simple = context(under({"tls": {"mode": "SIMPLE", "sni": "a"}}, tlsDefaults=defaults))
    params = simple["common_tls_context"]["tls_params"]
    assert (params["cipher_suites"], params["ecdh_curves"]) == (["A"], ["B"])
    mutual = context(under({"tls": {"mode": "ISTIO_MUTUAL"}}, tlsDefaults=defaults))
    assert "cipher_suites" not in mutual["common_tls_context"]["tls_params"]


def test_a_secret_reaches_a_sidecar_only_by_a_rule_that_selects_it() -> None:
    tls = {"tls": {"mode": "SIMPLE", "credentialName": "shop"}}
    assert "transport_socket" not in under(tls)
    selected = rule({"trafficPolicy": tls, "workloadSelector": {"matchLabels": {"app": "productpage"}}})
    found = context(built(recordings.with_objects(selected))[PRODUCTPAGE])
    root = found["common_tls_context"]["combined_validation_context"]["validation_context_sds_secret_config"]
    assert root == {"name": "kubernetes://shop-cacert", "sds_config": {"ads": {}, "resource_api_version": "V3"}}


@pytest.mark.parametrize(
    ("settings", "policy"),
    [({"enableAutoMtls": False}, None), ({}, "DISABLE")],
)
def test_without_automatic_tls_or_with_servers_that_refuse_it_all_is_plain(settings: Json, policy: str | None) -> None:
    added = [istio("PeerAuthentication", "default", {"mtls": {"mode": policy}})] if policy else []
    found = built(recordings.with_objects(*added, settings=settings))[PRODUCTPAGE]
    assert not {"transport_socket", "transport_socket_matches"} & found.keys()


def test_the_proxy_protocol_wraps_every_socket() -> None:
    matches = under({"proxyProtocol": {"version": "V2"}})["transport_socket_matches"]
    assert [match["transport_socket"]["name"] for match in matches] == [
        "envoy.transport_sockets.upstream_proxy_protocol"
    ] * 2
    assert matches[0]["transport_socket"]["typed_config"]["config"] == {"version": "V2"}
    plain = under({"proxyProtocol": {}, "tls": {"mode": "DISABLE"}})["transport_socket"]["typed_config"]
    assert plain["config"] == {}
    assert plain["transport_socket"]["name"] == "raw_buffer"
