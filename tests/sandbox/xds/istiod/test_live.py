"""One control plane, two API servers and real Envoys: what is applied arrives, and what dies does no harm."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from meshctl.pki.authority import Authority
from meshctl.sandbox.xds import clusters
from meshctl.sandbox.xds.istiod import descriptors
from meshctl.sandbox.xds.istiod.messages import Messages, field
from meshctl.sandbox.xds.istiod.settings import parse
from tests.sandbox.xds import recordings
from tests.sandbox.xds.istiod import rig
from tests.sandbox.xds.istiod.rig import SYSTEM, Envoy, Istiod, Object, Server, await_

SIDECAR, INGRESS = "cluster1/istio/productpage-v1", "cluster1/istio-system/istio-ingressgateway"
HOST = "productpage.istio.svc.cluster.local"
PRODUCTPAGE = f"outbound|9080||{HOST}"
CIDRS = {"cluster1": "10.68.0.0/16", "cluster2": "10.69.0.0/16"}


@dataclass
class Mesh:
    servers: dict[str, Server]
    istiod: Istiod
    envoys: dict[str, Envoy]
    signer: Authority
    root: Authority
    folder: Path

    @property
    def primary(self) -> Server:
        return self.servers["cluster1"]

    def synced(self) -> bool:
        told = self.istiod.status()
        names = [envoy.name for envoy in self.envoys.values()]
        return all(name in told and _is_synced(told[name]) for name in names)

    def addresses(self) -> set[str]:
        """Where the sidecar reaches productpage, as Envoy itself says."""
        text = self.envoys[SIDECAR].get("/clusters")
        lines = [line.split("::") for line in text.splitlines()]
        return {line[1] for line in lines if line[0] == PRODUCTPAGE and line[1][0].isdigit()}

    def rule(self, **spec: Any) -> Object:
        wanted = {"host": HOST, **spec}
        return recordings.istio("DestinationRule", "productpage", wanted)


def _is_synced(told: Object) -> bool:
    states = [value for key, value in told.items() if key.endswith("_status")]
    return len(states) >= 4 and set(states) == {"SYNCED"}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("mesh")
    listing = recordings.classroom()
    servers = {name: Server(name, folder / name, cidr=cidr) for name, cidr in CIDRS.items()}
    root = rig.new_root()
    signer = rig.signer(root)
    istiod = Istiod(servers["cluster1"], folder / "istiod")
    with rig.running(*servers.values()):
        servers["cluster1"].define()
        for name, server in servers.items():
            server.load(dict(item) for item in listing.clusters[name])
        servers["cluster1"].apply(rig.cacerts(signer))
        servers["cluster1"].apply(servers["cluster2"].remote_secret())
        with rig.running(istiod):
            envoys = {name: _envoy(folder, servers["cluster1"], istiod, name, signer) for name in (SIDECAR, INGRESS)}
            found = Mesh(servers, istiod, envoys, signer, root, folder)
            with rig.running(*envoys.values()):
                await_(found.synced, "proxies synced")
                yield found


def _envoy(folder: Path, server: Server, istiod: Istiod, name: str, signer: Authority) -> Envoy:
    proxy = recordings.member(name)
    server.account(proxy.namespace, proxy.service_account)
    token = server.token(proxy.namespace, proxy.service_account)
    return Envoy(folder / proxy.name, proxy, istiod, token, signer.root)


def test_envoy_has_what_the_translators_give(mesh: Mesh) -> None:
    await_(mesh.envoys[SIDECAR].live, "live")
    listing = recordings.classroom()
    wanted = clusters.build(listing.mesh(), listing.proxies[SIDECAR])
    assert mesh.envoys[SIDECAR].clusters() == set(wanted)
    assert mesh.addresses() == {"172.20.2.10:9080", "192.168.229.101:15443"}


def test_a_rule_arrives_alone_and_leaves_again(mesh: Mesh) -> None:
    before = mesh.istiod.status()[mesh.envoys[SIDECAR].name]
    wanted = f"outbound|9080|v1|{HOST}"
    rule = mesh.rule(subsets=[{"name": "v1", "labels": {"version": "v1"}}])
    other = {**rule, "spec": {**rule["spec"], "host": "reviews.istio.svc.cluster.local"}}
    for item, host in ((rule, HOST), (other, "reviews.istio.svc.cluster.local")):
        mesh.primary.apply(item)
        name = f"outbound|9080|v1|{host}"
        await_(partial(mesh.envoys[SIDECAR].has_cluster, name), name)
    assert wanted not in mesh.envoys[SIDECAR].clusters()
    await_(mesh.synced)
    after = mesh.istiod.status()[mesh.envoys[SIDECAR].name]
    assert after["cluster_sent"] != before["cluster_sent"]
    assert after["route_sent"] == before["route_sent"]
    mesh.primary.delete(rule)
    await_(lambda: not any("|v1|" in name for name in mesh.envoys[SIDECAR].clusters()))
    await_(mesh.synced)


def test_pods_that_end_leave_alone(mesh: Mesh) -> None:
    (slice_,) = (
        item
        for item in recordings.classroom().clusters["cluster1"]
        if item["kind"] == "EndpointSlice" and item["metadata"]["name"] == "productpage-abcde"
    )
    before = mesh.istiod.status()[mesh.envoys[SIDECAR].name]
    mesh.primary.apply({**slice_, "endpoints": []})
    await_(lambda: mesh.addresses() == {"192.168.229.101:15443"}, "it left")
    await_(mesh.synced)
    after = mesh.istiod.status()[mesh.envoys[SIDECAR].name]
    assert after["endpoint_sent"] != before["endpoint_sent"]
    assert {after[f"{kind}_sent"] == before[f"{kind}_sent"] for kind in ("cluster", "listener", "route")} == {True}
    mesh.primary.apply(dict(slice_))
    await_(lambda: len(mesh.addresses()) == 2, "it is back")


def test_a_refusal_is_told_and_forgotten(mesh: Mesh) -> None:
    patch = {"operation": "MERGE", "value": {"connect_timeout": "-1s"}}
    match = {"context": "SIDECAR_OUTBOUND", "cluster": {"service": HOST}}
    spec = {"configPatches": [{"applyTo": "CLUSTER", "match": match, "patch": patch}]}
    bad = {**recordings.istio("EnvoyFilter", "bad", spec), "apiVersion": "networking.istio.io/v1alpha3"}
    mesh.primary.apply(bad)
    name = mesh.envoys[SIDECAR].name
    await_(lambda: mesh.istiod.status()[name].get("cluster_status") == "ERROR", "a NACK")
    told = mesh.istiod.status()[name]["cluster_error"]
    mesh.primary.delete(bad)
    assert "duration" in told.lower()
    await_(mesh.synced, "synced again")


def test_remote_secrets_count_at_once(mesh: Mesh) -> None:
    remote = mesh.servers["cluster2"]
    mesh.primary.delete(remote.remote_secret())
    await_(lambda: mesh.addresses() == {"172.20.2.10:9080"}, "cluster2 is gone")
    mesh.primary.apply(remote.remote_secret(token="wrong"))
    await_(lambda: any("token is refused" in one["fault"] for one in mesh.istiod.get("/debug/clusterz")), "the fault")
    assert mesh.addresses() == {"172.20.2.10:9080"}
    mesh.primary.apply(remote.remote_secret())
    await_(lambda: len(mesh.addresses()) == 2, "cluster2 is back")


def test_dead_api_servers_leave_what_is_known(mesh: Mesh) -> None:
    for server in mesh.servers.values():
        server.stop()
    try:
        await_(lambda: all(one["fault"] for one in mesh.istiod.get("/debug/clusterz")), "faults")
        assert len(mesh.addresses()) == 2
        assert mesh.synced()
    finally:
        for server in mesh.servers.values():
            server.start()
    await_(lambda: not any(one["fault"] for one in mesh.istiod.get("/debug/clusterz")), "no faults")


def test_after_a_kill_nothing_is_sent_again(mesh: Mesh) -> None:
    mesh.istiod.stop()
    try:
        assert mesh.envoys[SIDECAR].live()
    finally:
        mesh.istiod.start()
    await_(lambda: len(mesh.istiod.status()) == len(mesh.envoys), "proxies are back")
    told = mesh.istiod.status()[mesh.envoys[SIDECAR].name]
    assert await_(mesh.synced)
    assert {told[f"{kind}_sent"] for kind in ("cluster", "listener")} == {""}


def test_root_is_in_every_namespace_of_every_cluster(mesh: Mesh) -> None:
    for server in mesh.servers.values():
        found = server.ask("GET", f"/api/v1/namespaces/{SYSTEM}/configmaps/istio-ca-root-cert")
        assert found["data"] == {"root-cert.pem": mesh.signer.root.decode()}


def test_injectors_learn_the_root_in_every_cluster(mesh: Mesh) -> None:
    service = {"name": "istiod", "namespace": SYSTEM, "path": "/inject", "port": 443}
    hook = {
        "name": "namespace.sidecar-injector.istio.io",
        "clientConfig": {"service": service},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
    }
    item = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
        "webhooks": [hook],
    }
    wanted = base64.b64encode(mesh.signer.root).decode()
    for server in mesh.servers.values():
        server.apply(item)

        def bundle(server: Server = server) -> str | None:
            found: str | None = server.ask("GET", server.path(item))["webhooks"][0]["clientConfig"].get("caBundle")
            return found

        await_(lambda bundle=bundle: bundle() == wanted, "caBundle")  # type: ignore[misc]


def test_the_authority_changes_under_running_proxies(mesh: Mesh) -> None:
    def serials() -> set[str]:
        found = json.loads(mesh.envoys[SIDECAR].get("/certs"))["certificates"]
        return {one["serial_number"] for entry in found for one in entry["cert_chain"]}

    before = serials()
    mesh.primary.apply(rig.cacerts(rig.signer(mesh.root)))
    await_(lambda: serials() and not serials() & before, "new certificates")
    assert mesh.istiod.get("/debug/syncz")


def test_gateways_get_their_own_namespaces_credentials_only(mesh: Mesh) -> None:
    def secret(namespace: str, name: str) -> Object:
        data = {"tls.crt": mesh.signer.certificate, "tls.key": mesh.signer.key.pem}
        text = {key: base64.b64encode(value).decode() for key, value in data.items()}
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": meta, "data": text}

    def server(number: int, name: str) -> Object:
        port = {"number": number, "name": f"https-{number}", "protocol": "HTTPS"}
        return {"port": port, "hosts": ["*"], "tls": {"mode": "SIMPLE", "credentialName": name}}

    servers = [server(443, "own"), server(8444, "istio/foreign")]
    gateway = recordings.istio("Gateway", "tls", {"selector": {"istio": "ingressgateway"}, "servers": servers})
    for item in (secret(SYSTEM, "own"), secret("istio", "foreign"), gateway):
        mesh.primary.apply(item)

    def active() -> set[str]:
        parts = mesh.envoys[INGRESS].dump("SecretsConfigDump")
        return {one["name"] for part in parts for one in part.get("dynamic_active_secrets", ())}

    await_(lambda: "kubernetes://own" in active(), "the credential")
    assert not any("foreign" in name for name in active())
    mesh.primary.delete(gateway)
    await_(mesh.synced)


def test_another_root_is_followed_without_restarting_proxies(mesh: Mesh) -> None:
    other = rig.signer(rig.new_root())
    for signer in (other, mesh.signer):
        mesh.primary.apply(rig.cacerts(signer))
        await_(partial(_published, mesh, signer.root), "the root's ConfigMap")
        for envoy in mesh.envoys.values():
            envoy.trust(signer.root)
        mesh.istiod.stop()
        mesh.istiod.start()
        await_(mesh.synced, "proxies are back under that root")


def _published(mesh: Mesh, root: bytes) -> bool:
    path = f"/api/v1/namespaces/{SYSTEM}/configmaps/istio-ca-root-cert"
    return bool(mesh.primary.ask("GET", path)["data"]["root-cert.pem"] == root.decode())


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages(descriptors.pool(parse([], {}).envoy))


@pytest.mark.parametrize(
    ("audience", "namespace", "code", "cluster"),
    [
        ("other", "istio", "UNAUTHENTICATED", "cluster1"),
        ("", "istio", "UNAUTHENTICATED", "cluster1"),
        ("istio-ca", "istio", "UNAUTHENTICATED", "cluster2"),
        ("istio-ca", "istio", "UNAUTHENTICATED", "cluster9"),
        ("istio-ca", "default", "PERMISSION_DENIED", "cluster1"),
        ("none", "istio", "UNAUTHENTICATED", "cluster1"),
    ],
)
def test_strangers_are_refused(
    mesh: Mesh, messages: Messages, audience: str, namespace: str, code: str, cluster: str
) -> None:
    token = "" if audience == "none" else mesh.primary.token("istio", "bookinfo-productpage", audience)
    headers = (("clusterid", cluster), *((("authorization", f"Bearer {token}"),) if token else ()))
    metadata = {"NAMESPACE": namespace, "SERVICE_ACCOUNT": "bookinfo-productpage", "CLUSTER_ID": cluster}
    node: Any = {"id": f"sidecar~10.0.0.9~p.{namespace}~{namespace}.svc.cluster.local", "metadata": metadata}
    request: Any = messages.delta_request()
    request.node.id = node["id"]
    request.node.metadata.update(metadata)
    request.type_url = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    with _channel(mesh) as channel:
        call = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
            request_serializer=lambda one: one.SerializeToString(),
        )
        with pytest.raises(grpc.RpcError) as caught:
            next(call(iter([request]), metadata=headers, timeout=10))
    assert caught.value.code().name == code  # type: ignore[attr-defined, unused-ignore]


def test_requests_are_signed_for_their_sender(mesh: Mesh) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    content = field(1, request.public_bytes(serialization.Encoding.PEM)) + b"\x18\x3c"
    token = mesh.primary.token("istio", "bookinfo-productpage")
    with _channel(mesh) as channel:
        call = channel.unary_unary("/istio.v1.auth.IstioCertificateService/CreateCertificate")
        answer = call(content, metadata=(("authorization", f"Bearer {token}"),), timeout=10)
        with pytest.raises(grpc.RpcError, match="request authenticate failure"):
            call(content, timeout=10)
        with pytest.raises(grpc.RpcError, match="not properly encoded"):
            call(field(1, b"x"), metadata=(("authorization", f"Bearer {token}"),), timeout=10)
    found = x509.load_pem_x509_certificates(answer)
    names = found[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [
        "spiffe://cluster.local/ns/istio/sa/bookinfo-productpage"
    ]
    assert found[0].not_valid_after_utc - found[0].not_valid_before_utc == timedelta(seconds=180)
    assert len(found) == 4
    assert found[2] == found[3]


def _channel(mesh: Mesh) -> Any:
    path = f"/api/v1/namespaces/{SYSTEM}/configmaps/istio-ca-root-cert"
    root = mesh.primary.ask("GET", path)["data"]["root-cert.pem"]
    options = (("grpc.ssl_target_name_override", "istiod.istio-system.svc"),)
    return grpc.secure_channel(f"127.0.0.1:{mesh.istiod.secure}", grpc.ssl_channel_credentials(root.encode()), options)


def test_pods_get_their_sidecar_over_https(mesh: Mesh) -> None:
    context = ssl.create_default_context(
        cadata=mesh.primary.ask("GET", f"/api/v1/namespaces/{SYSTEM}/configmaps/istio-ca-root-cert")["data"][
            "root-cert.pem"
        ]
    )
    context.check_hostname = False
    pod = {"metadata": {"labels": {"app": "details"}}, "spec": {"containers": [{"name": "details", "image": "x"}]}}
    review = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "u", "namespace": "istio", "object": pod},
    }
    request = urllib.request.Request(
        f"https://127.0.0.1:{mesh.istiod.webhook}/inject/cluster/cluster2/net/network2",
        json.dumps(review).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        response = json.loads(answer.read())["response"]
    assert response["uid"] == "u"
    patch = {one["path"]: one["value"] for one in json.loads(base64.b64decode(response["patch"]))}
    proxy = next(one for one in patch["/spec/containers"] if one["name"] == "istio-proxy")
    stated = {one["name"]: one.get("value") for one in proxy["env"]}
    assert (stated["ISTIO_META_CLUSTER_ID"], stated["ISTIO_META_NETWORK"]) == ("cluster2", "network2")
