"""Everything that can be wrong with a directory of certificates, found and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from meshctl.pki import authority, issuance, verification
from meshctl.pki.authority import Authority, PrivateKey, make_intermediate, make_keys, make_root
from meshctl.pki.certificate import summaries
from meshctl.pki.key_type import KeyType

NOW = datetime.now(UTC).replace(microsecond=0)
CLUSTERS = ("cluster1", "cluster2")
EC = KeyType.EC_P256


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    issuance.complete(tmp_path / "certs", CLUSTERS, NOW, EC)
    return tmp_path / "certs"


def found(directory: Path, now: datetime = NOW) -> list[str]:
    problems = verification.problems(directory, CLUSTERS, now)
    return [str(problem).removeprefix(f"{directory}/") for problem in problems]


def load_root(directory: Path) -> Authority:
    certificate = (directory / "root-cert.pem").read_bytes()
    return Authority(certificate, PrivateKey((directory / "root-key.pem").read_bytes()), certificate, certificate)


def write(directory: Path, cluster: str, made: Authority) -> None:
    folder = directory / cluster
    (folder / "ca-cert.pem").write_bytes(made.certificate)
    (folder / "ca-key.pem").write_bytes(made.key.pem)
    (folder / "cert-chain.pem").write_bytes(made.chain)
    (folder / "root-cert.pem").write_bytes(made.root)


def of_another_mesh(certs: Path) -> None:
    keys = make_keys(2, EC)
    write(certs, "cluster1", make_intermediate(make_root(keys[0], NOW), "cluster1", keys[1], NOW))


def signed_by_an_impostor(certs: Path) -> None:
    # The same names as the root's, another key: only the signature tells.
    keys = make_keys(2, EC)
    forged = make_intermediate(make_root(keys[0], NOW), "cluster1", keys[1], NOW)
    root = load_root(certs)
    write(certs, "cluster1", Authority(forged.certificate, forged.key, forged.certificate + root.root, root.root))


def another_key(certs: Path) -> None:
    (certs / "cluster1" / "ca-key.pem").write_bytes(make_keys(1, EC)[0].pem)


def copied_from_cluster2(certs: Path) -> None:
    shutil.copytree(certs / "cluster2", certs / "cluster1", dirs_exist_ok=True)


def without_path_length(certs: Path) -> None:
    write(certs, "cluster1", spoiled(certs, x509.BasicConstraints(ca=True, path_length=None)))


def no_authority(certs: Path) -> None:
    write(certs, "cluster1", spoiled(certs, x509.BasicConstraints(ca=False, path_length=None)))


def spoiled(certs: Path, constraints: x509.BasicConstraints) -> Authority:
    root = load_root(certs)
    (key,) = make_keys(1, EC)
    issuer = x509.load_pem_x509_certificate(root.certificate)
    builder = (
        x509.CertificateBuilder(issuer.subject, x509.Name([]), key.load().public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(constraints, critical=True)
    )
    certificate = authority.pem(builder.sign(root.key.load(), hashes.SHA256()))
    return Authority(certificate, key, certificate + root.root, root.root)


def two_certificates(certs: Path) -> None:
    file = certs / "cluster1" / "ca-cert.pem"
    file.write_bytes(file.read_bytes() * 2)


def chain_upside_down(certs: Path) -> None:
    folder = certs / "cluster1"
    names = ("root-cert.pem", "ca-cert.pem")
    (folder / "cert-chain.pem").write_bytes(b"".join((folder / name).read_bytes() for name in names))


def chain_without_root(certs: Path) -> None:
    shutil.copy(certs / "cluster1" / "ca-cert.pem", certs / "cluster1" / "cert-chain.pem")


def open_key(certs: Path) -> None:
    (certs / "cluster1" / "ca-key.pem").chmod(0o640)


def open_directories(certs: Path) -> None:
    certs.chmod(0o755)
    (certs / "cluster1").chmod(0o750)


def strange_files(certs: Path) -> None:
    (certs / "cluster9").mkdir()
    (certs / "root-key.pem.bak").touch()
    (certs / "cluster1" / "notes.txt").touch()


def left_by_a_kill(certs: Path) -> None:
    for name in (".committed", ".displaced", ".staging"):
        (certs / name).mkdir()


def lost_files(certs: Path) -> None:
    (certs / "root-key.pem").unlink()
    (certs / "cluster1" / "cert-chain.pem").unlink()
    shutil.rmtree(certs / "cluster2")


def garbage(certs: Path) -> None:
    (certs / "root-key.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    (certs / "cluster1" / "ca-cert.pem").write_bytes(b"\xff\x00")
    (certs / "cluster1" / "root-cert.pem").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (of_another_mesh, ["cluster1/root-cert.pem: differs from"]),
        (signed_by_an_impostor, ["cluster1/ca-cert.pem: does not lead to its root"]),
        (another_key, ["cluster1/ca-key.pem: is not the key of"]),
        (copied_from_cluster2, ["cluster2/ca-cert.pem: has the same key as"]),
        (without_path_length, ["cluster1/ca-cert.pem: has path length none, expected 0"]),
        (
            no_authority,
            ["cluster1/ca-cert.pem: is no CA certificate", "cluster1/ca-cert.pem: has path length none, expected 0"],
        ),
        (two_certificates, ["cluster1/ca-cert.pem: holds 2 certificates; expected one"]),
        (chain_upside_down, ["cluster1/cert-chain.pem: does not lead from ca-cert.pem up to root-cert.pem"]),
        (chain_without_root, ["cluster1/cert-chain.pem: does not lead from ca-cert.pem up to root-cert.pem"]),
        (open_key, ["cluster1/ca-key.pem: has mode 0640, expected 0600: `chmod 600"]),
        (open_directories, ["{certs}: has mode 0755, expected 0700", "cluster1: has mode 0750, expected 0700"]),
        (
            strange_files,
            [
                "cluster9: belongs to no cluster; expected cluster1, cluster2",
                "root-key.pem.bak: belongs to no cluster",
                "cluster1/notes.txt: is unknown; expected ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem",
            ],
        ),
        (
            left_by_a_kill,
            [
                ".committed: is an interrupted command's; `meshctl certs init` finishes its work",
                ".displaced: is an interrupted command's; `meshctl certs init` sweeps it away",
                ".staging: is an interrupted command's; `meshctl certs init` sweeps it away",
            ],
        ),
        (
            lost_files,
            [
                "root-key.pem: is missing",
                "cluster1/cert-chain.pem: is missing",
                "cluster2: is missing; `meshctl certs init` makes it",
            ],
        ),
        (
            garbage,
            [
                "root-key.pem: can't be used: ",
                "cluster1/ca-cert.pem: can't be used: ",
                "cluster1/root-cert.pem: can't be used: ",
            ],
        ),
    ],
)
def test_damage_is_named(certs: Path, damage: Callable[[Path], None], expected: list[str]) -> None:
    damage(certs)
    problems = found(certs)
    assert len(problems) == len(expected), problems
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(start.replace("{certs}", str(certs)))


def test_a_problem_names_the_command_that_mends_it(certs: Path) -> None:
    another_key(certs)
    (certs / "root-key.pem").unlink()
    assert found(certs)[0].endswith("put the right file back, or replace everything with `meshctl certs init --force`")
    assert found(certs)[1].endswith("; `meshctl certs rotate cluster1` makes a new set")


def test_everything_is_reported_at_once(certs: Path) -> None:
    for damage in (another_key, chain_without_root, open_key, strange_files):
        damage(certs)
    assert len(found(certs)) == 6


@pytest.mark.parametrize(
    ("now", "words"),
    [(NOW + timedelta(days=3651), "expired on"), (NOW - timedelta(hours=2), "is not valid before")],
)
def test_validity(certs: Path, now: datetime, words: str) -> None:
    problems = found(certs, now)
    assert [problem.split(":")[0] for problem in problems] == [
        "root-cert.pem",
        "cluster1/ca-cert.pem",
        "cluster2/ca-cert.pem",
    ]
    assert all(words in problem for problem in problems)


@pytest.mark.parametrize(
    ("path_length", "expected"),
    [
        (1, []),
        (None, []),
        (0, ["cluster1/ca-cert.pem: stands 1 below 'CN=Company CA', whose path length 0 forbids that"]),
    ],
)
def test_a_chain_through_a_company_authority(certs: Path, path_length: int | None, expected: list[str]) -> None:
    (sub, key) = make_keys(2, EC)
    root = load_root(certs)
    issuer = x509.load_pem_x509_certificate(root.certificate)
    name = x509.Name.from_rfc4514_string("CN=Company CA")
    builder = (
        x509.CertificateBuilder(issuer.subject, name, sub.load().public_key(), 7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(sub.load().public_key()), critical=False)
    )
    certificate = authority.pem(builder.sign(root.key.load(), hashes.SHA256()))
    company = Authority(certificate, sub, certificate + root.root, root.root)
    write(certs, "cluster1", make_intermediate(company, "cluster1", key, NOW))
    assert [problem.partition(";")[0] for problem in found(certs)] == expected


def test_a_missing_directory_is_one_problem(tmp_path: Path) -> None:
    assert found(tmp_path / "none") == [f"{tmp_path}/none: is missing; `meshctl certs init` makes it"]


def test_summaries_name_what_cannot_be_read(certs: Path) -> None:
    (certs / "cluster1" / "ca-cert.pem").write_bytes(b"")
    listed, problems = summaries(certs)
    assert [summary.cluster for summary in listed] == ["", "cluster2"]
    assert [problem.where for problem in problems] == [str(certs / "cluster1" / "ca-cert.pem")]
