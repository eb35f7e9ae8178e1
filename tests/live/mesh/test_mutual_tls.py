"""mTLS is real: who has no certificate of the mesh gets nothing, and the certificates chain to the right authority."""

from __future__ import annotations

import json

import pytest
from cryptography import x509

from tests.live.machine import Machine

from .command_line import PAGES, await_, pages, url
from .test_kubernetes import decoded, kubectl, objects
from .wire import address, chain, shell

pytestmark = pytest.mark.live

GATEWAY = "192.168.229.101:15443"
STRICT = {
    "apiVersion": "security.istio.io/v1beta1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "strict", "namespace": "istio"},
    "spec": {"mtls": {"mode": "STRICT"}},
}


def test_certificates_on_the_wire_chain_to_the_primarys_intermediate(machine: Machine) -> None:
    """istiod of cluster1 signs for every cluster; each leaf says whose it is."""
    secret = decoded(objects(machine, "cluster1", "-n", "istio-system", "secret", "cacerts"))
    for cluster in ("cluster1", "cluster2", "cluster3"):
        leaf, *signers = chain(machine, cluster, "details")
        assert signers == x509.load_pem_x509_certificates(secret["cert-chain.pem"])
        leaf.verify_directly_issued_by(signers[0])
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        assert uris == ["spiffe://cluster.local/ns/istio/sa/bookinfo-details"]


def test_without_a_certificate_of_the_mesh_there_is_no_way_in(machine: Machine) -> None:
    """By the east-west gateway's port, and to a workload in STRICT mode."""
    sni = "outbound_.9080_._.details.istio.svc.cluster.local"
    shown = shell(machine, f"openssl s_client -connect {GATEWAY} -servername {sni} -alpn istio </dev/null 2>&1")
    # It answers with a server's certificate, and asks for the client's.
    assert "Acceptable client certificate CA names" in shown or "certificate required" in shown
    ask = f"curl -sk --connect-to ::{GATEWAY} https://{sni}/details/0"
    assert "isbn" not in shell(machine, f"{ask}; echo status $?").lower()
    strict = machine.home / "strict.yaml"
    strict.write_text(json.dumps(STRICT))
    kubectl(machine, "cluster1", "apply", "-f", str(strict))
    try:
        plain = f"curl -s -m 5 http://{address(machine, 'cluster1', 'details')}:9080/details/0; echo status $?"
        await_(lambda: "status 56" in shell(machine, plain))
        assert pages(machine, url(machine)) == ["200"] * PAGES
    finally:
        kubectl(machine, "cluster1", "delete", "-f", str(strict))
    await_(lambda: "isbn" in shell(machine, plain).lower())
