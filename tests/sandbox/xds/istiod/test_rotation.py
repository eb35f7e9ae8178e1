"""Workload certificates are renewed long before they end, and no request notices."""

from __future__ import annotations

import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from meshctl.sandbox.xds.istiod import authority
from meshctl.sandbox.xds.secrets import agent_secret
from tests.sandbox.xds import recordings
from tests.sandbox.xds.istiod import rig
from tests.sandbox.xds.istiod.rig import Envoy, Istiod, Object, Server, await_

LIFETIME, RENEWALS = 8.0, 2
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
BOTH_SIDES = {
    "tls_certificate_sds_secret_configs": [agent_secret("default")],
    "validation_context_sds_secret_config": agent_secret("ROOTCA"),
}


def socket(kind: str, **more: object) -> Object:
    config = {"@type": f"{TLS}.{kind}", "common_tls_context": BOTH_SIDES, **more}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def address(port: int) -> Object:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def listener(port: int, action: Object, **chain: object) -> Object:
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}
    filters = [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]
    config = {"@type": HCM, "stat_prefix": "a", "route_config": {"virtual_hosts": [host]}, "http_filters": filters}
    manager = {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}
    return {"name": f"{port}", "address": address(port), "filter_chains": [{"filters": [manager], **chain}]}


def server(port: int) -> Object:
    secured = socket("DownstreamTlsContext", require_client_certificate=True)
    return listener(port, {"direct_response": {"status": 200}}, transport_socket=secured)


def client(port: int) -> Object:
    return listener(port, {"route": {"cluster": "peer"}})


def towards(port: int) -> Object:
    """Every request on a connection of its own, so that each is a handshake."""
    options = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}},
        "common_http_protocol_options": {"max_requests_per_connection": 1},
    }
    endpoint = {"endpoint": {"address": address(port)}}
    return {
        "name": "peer",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "peer", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {recordings.OPTIONS: options},
        "transport_socket": socket("UpstreamTlsContext"),
    }


def envoy(folder: Path, istiod: Istiod, name: str, root: bytes, **beside: tuple[Object, ...]) -> Envoy:
    proxy = recordings.member(name)
    istiod.server.account(proxy.namespace, proxy.service_account)
    token = istiod.server.token(proxy.namespace, proxy.service_account)
    return Envoy(folder / proxy.name, proxy, istiod, token, root, **beside)  # type: ignore[arg-type]


def status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def own_certificate(of: Envoy) -> Object:
    """The leaf that the proxy shows, as its admin interface tells."""
    found = json.loads(of.get("/certs"))["certificates"]
    leaf: Object = next(one["cert_chain"][0] for one in found if one.get("cert_chain"))
    return leaf


def test_renewal_drops_no_request(tmp_path: Path) -> None:
    listing = recordings.classroom()
    primary = Server("cluster1", tmp_path / "cluster1")
    root = rig.new_root()
    life = {"DEFAULT_WORKLOAD_CERT_TTL": f"{LIFETIME:g}s"}
    istiod = Istiod(primary, tmp_path / "istiod", environment=life)
    inner, outer = rig.free_port(), rig.free_port()
    with rig.running(primary):
        primary.define()
        primary.load(dict(item) for item in listing.clusters["cluster1"] if item["kind"] == "Namespace")
        primary.apply(rig.cacerts(rig.signer(root)))
        with rig.running(istiod):
            serving = envoy(tmp_path, istiod, recordings.SIDECAR, root.root, listeners=(server(inner),))
            asking = envoy(
                tmp_path,
                istiod,
                recordings.INGRESS,
                root.root,
                listeners=(client(outer),),
                clusters_beside=(towards(inner),),
            )
            with rig.running(serving, asking):
                await_(lambda: status(outer) == 200, "a first answer")
                answers, serials = _watched(outer, serving)
    assert len(serials) > RENEWALS
    assert set(answers) == {200}


def _watched(port: int, serving: Envoy) -> tuple[list[int], list[str]]:
    """Answers to requests without a pause until certificates have been renewed a few times; the serials seen."""
    answers: list[int] = []
    serials: list[str] = []
    deadline = time.monotonic() + LIFETIME * (RENEWALS + 3)
    while len(serials) <= RENEWALS and time.monotonic() < deadline:
        answers += [status(port) for _ in range(20)]
        leaf = own_certificate(serving)
        assert datetime.fromisoformat(leaf["expiration_time"]) > datetime.now(UTC), "an outlived certificate"
        serials += [leaf["serial_number"]] if leaf["serial_number"] not in serials else []
    return answers, serials


def test_the_serving_certificate_is_istios() -> None:
    signer = rig.signer(rig.new_root())
    pair = authority.serving(signer, "istio-system")
    leaf, *above = x509.load_pem_x509_certificates(pair.chain)
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert not list(leaf.subject)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert set(names) == {f"{name}.istio-system.svc" for name in ("istiod", "istiod-remote", "istio-pilot")}
    assert leaf.not_valid_after_utc - above[0].not_valid_after_utc <= timedelta(0)
