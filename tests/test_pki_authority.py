"""Authorities in memory: what openssl sees in them, beside what Istio's own commands make."""

from __future__ import annotations

import os
import re
import subprocess
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from meshctl.pki import authority
from meshctl.pki.authority import PrivateKey, make_intermediate, make_keys, make_root
from meshctl.pki.key_type import KeyType

NOW = datetime.now(UTC).replace(microsecond=0)
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "istio-certs.sh"
# What differs from certificate to certificate: numbers, and the lines that openssl prints of them.
VARYING = re.compile(r"^ +(?:[0-9a-fA-F]{2}:)+(?:[0-9a-fA-F]{2})?$|^ +Not (?:Before|After *): .*$", re.MULTILINE)


@pytest.fixture(scope="module")
def istio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("istio")
    small = {**os.environ, "KEY_SIZE": "2048"}
    subprocess.run(["sh", SCRIPT, folder, "cluster1"], check=True, capture_output=True, env=small)
    return folder


def text(certificate: bytes) -> str:
    command = ["openssl", "x509", "-noout", "-text", "-nameopt", "oneline,show_type"]
    return subprocess.run(command, input=certificate, check=True, capture_output=True).stdout.decode()


def test_openssl_shows_what_it_shows_of_istios_certificates(istio: Path) -> None:
    keys = make_keys(2, KeyType.RSA_2048)
    root = make_root(keys[0], NOW)
    ours = (root.certificate, make_intermediate(root, "cluster1", keys[1], NOW).certificate)
    theirs = ((istio / "root-cert.pem").read_bytes(), (istio / "cluster1" / "ca-cert.pem").read_bytes())
    for mine, other in zip(ours, theirs, strict=True):
        assert VARYING.sub("", text(mine)) == VARYING.sub("", text(other))
        assert "UTF8STRING:Istio" in text(mine)


def test_certificates_end_when_istios_do_and_begin_an_hour_earlier(istio: Path) -> None:
    theirs = x509.load_pem_x509_certificate((istio / "root-cert.pem").read_bytes())
    (key,) = make_keys(1, KeyType.EC_P256)
    ours = x509.load_pem_x509_certificate(make_root(key, theirs.not_valid_before_utc).certificate)
    assert ours.not_valid_after_utc == theirs.not_valid_after_utc
    assert ours.not_valid_before_utc == theirs.not_valid_before_utc - timedelta(hours=1)


def test_a_later_intermediate_does_not_outlive_its_root() -> None:
    keys = make_keys(2, KeyType.EC_P256)
    root = make_root(keys[0], NOW)
    late = x509.load_pem_x509_certificate(
        make_intermediate(root, "cluster9", keys[1], NOW + timedelta(days=900)).certificate
    )
    assert late.not_valid_after_utc == NOW + authority.LIFETIME


@pytest.mark.parametrize(
    ("key_type", "shown"),
    [
        (KeyType.RSA_4096, "Public-Key: (4096 bit)"),
        (KeyType.RSA_2048, "Public-Key: (2048 bit)"),
        (KeyType.EC_P256, "prime256v1"),
    ],
)
def test_key_types(key_type: KeyType, shown: str) -> None:
    (key,) = make_keys(1, key_type)
    assert key.pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert shown in text(make_root(key, NOW).certificate)


def test_serials_are_random() -> None:
    (key,) = make_keys(1, KeyType.EC_P256)
    serials = {x509.load_pem_x509_certificate(make_root(key, NOW).certificate).serial_number for _ in range(20)}
    assert len(serials) == 20
    assert max(serials).bit_length() > 140


def test_no_repr_or_traceback_shows_a_key() -> None:
    (key,) = make_keys(1, KeyType.EC_P256)
    root = make_root(key, NOW)
    secret = key.pem.splitlines()[1].decode()
    with pytest.raises(OverflowError) as caught:
        make_intermediate(root, "cluster1", key, datetime.max.replace(tzinfo=UTC) - timedelta(days=1))
    # This test's own frame holds the secret; those below it are the product's.
    assert caught.value.__traceback__ is not None
    below = caught.value.with_traceback(caught.value.__traceback__.tb_next)
    shown = "".join(traceback.TracebackException.from_exception(below, capture_locals=True).format())
    for whatever in (repr(key), str(key), f"{root}", repr([root]), shown):
        assert secret not in whatever
        assert "PRIVATE" not in whatever


def test_a_key_with_a_passphrase_is_refused_in_plain_words() -> None:
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256"]
    locked = subprocess.run([*command, "-pass", "stdin"], input=b"secret\n", check=True, capture_output=True).stdout
    with pytest.raises(ValueError, match="a passphrase protects it"):
        PrivateKey(locked).load()


def test_an_rsa_key_with_one_wrong_number_is_refused() -> None:
    (key,) = make_keys(1, KeyType.RSA_2048)
    lines = key.pem.splitlines()
    spoiled = lines[15].swapcase()
    damaged = PrivateKey(b"\n".join([*lines[:15], spoiled, *lines[16:]]))
    with pytest.raises(ValueError, match="."):
        damaged.load()
