"""Workload certificates: istiod's answers, judged by openssl and by a handshake."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshctl.pki.authority import Authority, PrivateKey, make_intermediate, make_keys, make_root
from meshctl.pki.key_type import KeyType
from meshctl.pki.workload import MAX_LIFETIME, SigningRefused, go_duration, sign_workload, spiffe_id

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
IDENTITY = spiffe_id("cluster.local", "istio", "bookinfo-productpage")
CLUSTERS = ("cluster1", "cluster2", "cluster3")
Mesh = dict[str, Authority]


def make_mesh(key_type: KeyType) -> Mesh:
    first, *others = make_keys(1 + len(CLUSTERS), key_type)
    root = make_root(first, NOW)
    return {
        "root": root,
        **{name: make_intermediate(root, name, key, NOW) for name, key in zip(CLUSTERS, others, strict=True)},
    }


@pytest.fixture(scope="module", params=[KeyType.RSA_2048, KeyType.EC_P256], ids=str)
def mesh(request: pytest.FixtureRequest) -> Mesh:
    return make_mesh(request.param)


@pytest.fixture(scope="module")
def fast() -> Mesh:
    return make_mesh(KeyType.EC_P256)


def csr(subject: x509.Name | None = None, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> bytes:
    request = x509.CertificateSigningRequestBuilder().subject_name(subject or x509.Name([]))
    signed = request.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def leaf_of(chain: tuple[bytes, ...]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain[0])


def openssl_verify(folder: Path, root: bytes, chain: tuple[bytes, ...]) -> subprocess.CompletedProcess[str]:
    files = {"root.pem": root, "leaf.pem": chain[0], "untrusted.pem": b"".join(chain[1:])}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    options = ["-x509_strict", "-purpose", "sslserver", "-no-CApath", "-no-CAstore"]
    names = ["-CAfile", "root.pem", "-untrusted", "untrusted.pem", "leaf.pem"]
    return subprocess.run(["openssl", "verify", *options, *names], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("other", CLUSTERS)
def test_a_leaf_of_any_cluster_verifies_with_the_root_file_of_any(
    mesh: Mesh, cluster: str, other: str, tmp_path: Path
) -> None:
    chain = sign_workload(mesh[cluster], csr(), IDENTITY, DAY, NOW)
    result = openssl_verify(tmp_path, mesh[other].root, chain)
    assert result.stdout == "leaf.pem: OK\n", result.stderr


def test_another_mesh_does_not_trust_it(mesh: Mesh, fast: Mesh, tmp_path: Path) -> None:
    chain = sign_workload(mesh["cluster1"], csr(), IDENTITY, DAY, NOW)
    stranger = make_root(make_keys(1, KeyType.EC_P256)[0], NOW)
    assert openssl_verify(tmp_path, stranger.certificate, chain).returncode != 0


def test_an_intermediate_cannot_make_authorities(fast: Mesh, tmp_path: Path) -> None:
    greedy = make_intermediate(fast["cluster1"], "cluster9", make_keys(1, KeyType.EC_P256)[0], NOW)
    result = openssl_verify(tmp_path, fast["root"].certificate, sign_workload(greedy, csr(), IDENTITY, DAY, NOW))
    assert "path length constraint exceeded" in result.stderr


def test_the_answer_is_leaf_intermediate_root_and_root_again(fast: Mesh) -> None:
    signer = fast["cluster1"]
    chain = sign_workload(signer, csr(), IDENTITY, DAY, NOW)
    assert chain[1:] == (signer.certificate, signer.root, signer.root)


def test_a_self_signed_authority_answers_with_two(fast: Mesh) -> None:
    assert sign_workload(fast["root"], csr(), IDENTITY, DAY, NOW)[1:] == (fast["root"].certificate,)


def test_a_leaf_is_what_istiod_makes(fast: Mesh) -> None:
    leaf = leaf_of(sign_workload(fast["cluster1"], csr(), IDENTITY, DAY, NOW))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    issuer = x509.load_pem_x509_certificate(fast["cluster1"].certificate)
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert len(leaf.extensions) == 5
    assert leaf.subject == x509.Name([])
    assert (names.critical, list(names.value)) == (True, [x509.UniformResourceIdentifier(IDENTITY)])
    assert (usage.critical, usage.value.digital_signature, usage.value.key_encipherment) == (True, True, True)
    assert not usage.value.key_cert_sign
    assert (extended.critical, list(extended.value)) == (
        False,
        [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    )
    assert (basic.critical, basic.value.ca) == (True, False)
    assert authority.value.key_identifier == own


def test_only_the_public_key_of_a_request_counts(fast: Mesh) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "elsewhere")]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("istiod.istio-system.svc")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    leaf = leaf_of(
        sign_workload(fast["cluster1"], request.public_bytes(serialization.Encoding.PEM), IDENTITY, DAY, NOW)
    )
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert leaf.public_key() == key.public_key()
    assert list(names) == [x509.UniformResourceIdentifier(IDENTITY)]
    assert leaf.subject == x509.Name([])
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


@pytest.mark.parametrize(
    ("identity", "common_name"),
    [(IDENTITY, IDENTITY), (spiffe_id("cluster.local", "n" * 60, "sa"), None)],
    ids=["as long as X.509 allows", "longer"],
)
def test_a_common_name_asked_for_becomes_the_identity(fast: Mesh, identity: str, common_name: str | None) -> None:
    asked = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    leaf = leaf_of(sign_workload(fast["cluster1"], csr(asked), identity, DAY, NOW))
    assert [part.value for part in leaf.subject] == ([common_name] if common_name else [])


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (timedelta(0), timedelta(hours=24)),
        (timedelta(seconds=-5), timedelta(hours=24)),
        (timedelta(seconds=60), timedelta(seconds=60)),
        (MAX_LIFETIME, MAX_LIFETIME),
    ],
)
def test_lifetimes(fast: Mesh, asked: timedelta, given: timedelta) -> None:
    leaf = leaf_of(sign_workload(fast["cluster1"], csr(), IDENTITY, asked, NOW))
    assert leaf.not_valid_before_utc == NOW - timedelta(minutes=2)
    assert leaf.not_valid_after_utc == NOW + given


def test_a_leaf_does_not_outlive_its_signer(fast: Mesh) -> None:
    end = x509.load_pem_x509_certificate(fast["cluster1"].certificate).not_valid_after_utc
    leaf = leaf_of(sign_workload(fast["cluster1"], csr(), IDENTITY, DAY, end - timedelta(hours=1)))
    assert leaf.not_valid_after_utc == end


def tampered() -> bytes:
    return csr(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "someone")])).replace(b"A", b"B", 1)


@pytest.mark.parametrize(
    ("request_pem", "lifetime", "now", "words"),
    [
        (b"", DAY, NOW, r"^CSR signing error \(certificate signing request is not properly encoded\)$"),
        (b"nonsense", DAY, NOW, "not properly encoded"),
        (
            csr(),
            MAX_LIFETIME + timedelta(seconds=1),
            NOW,
            r"^CSR signing error \(requested TTL 2160h0m1s is greater than the max allowed TTL 2160h0m0s\)$",
        ),
        (csr(), DAY, NOW + timedelta(days=3651), "signing certificate has expired"),
    ],
    ids=["empty", "no PEM", "too long", "expired signer"],
)
def test_refusals(fast: Mesh, request_pem: bytes, lifetime: timedelta, now: datetime, words: str) -> None:
    with pytest.raises(SigningRefused, match=words):
        sign_workload(fast["cluster1"], request_pem, IDENTITY, lifetime, now)


def test_a_request_signed_by_another_key_is_refused(fast: Mesh) -> None:
    der = bytearray(x509.load_pem_x509_csr(csr()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(SigningRefused, match="not by its own key"):
        sign_workload(fast["cluster1"], forged, IDENTITY, DAY, NOW)


@pytest.mark.parametrize(("seconds", "text"), [(5, "5s"), (90, "1m30s"), (7776001, "2160h0m1s")])
def test_durations_are_printed_as_go_does(seconds: int, text: str) -> None:
    assert go_duration(timedelta(seconds=seconds)) == text


def test_workloads_of_two_clusters_shake_hands(mesh: Mesh, tmp_path: Path) -> None:
    server = tls_end(mesh["cluster2"], tmp_path / "server", ssl.PROTOCOL_TLS_SERVER)
    client = tls_end(mesh["cluster3"], tmp_path / "client", ssl.PROTOCOL_TLS_CLIENT)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True))
    pending: list[Callable[[], None]] = [end.do_handshake for end in ends]
    for _ in range(10):
        pending = [step for step in pending if not done(step)]
    assert not pending
    for end in ends:
        certificate = end.getpeercert()
        assert certificate
        assert certificate["subjectAltName"] == (("URI", IDENTITY),)


def done(step: Callable[[], None]) -> bool:
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True


def tls_end(signer: Authority, folder: Path, protocol: int) -> ssl.SSLContext:
    folder.mkdir()
    key = PrivateKey(make_keys(1, KeyType.EC_P256)[0].pem)
    chain = sign_workload(signer, csr(key=key.load()), IDENTITY, DAY, NOW)
    (folder / "chain.pem").write_bytes(b"".join(chain[:-1]))
    (folder / "key.pem").write_bytes(key.pem)
    (folder / "root.pem").write_bytes(chain[-1])
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    context.load_verify_locations(folder / "root.pem")
    return context
