"""JSON web tokens signed RS256: RFC 7515 and 7517, as much as service accounts need."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Claims = dict[str, Any]


def encode64(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode64(text: str) -> bytes:
    """The bytes of base64 for URLs; ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Signer:
    """An RSA key that signs tokens and knows its own."""

    def __init__(self, path: Path) -> None:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path}: service account keys are RSA keys")
        self._key = key
        self._public = key.public_key()
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        self.key_id = encode64(hashlib.sha256(self._public.public_bytes(*form)).digest())

    def sign(self, claims: Claims) -> str:
        """A token."""
        header = {"alg": "RS256", "kid": self.key_id}
        parts = [encode64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join((*parts, encode64(signature)))

    def verify(self, token: str) -> Claims | None:
        """The claims of a token that this key signed, else None; the claims themselves are not judged."""
        try:
            header, payload, signature = token.split(".")
            if json.loads(decode64(header)).get("alg") != "RS256":
                return None
            signed = f"{header}.{payload}".encode()
            self._public.verify(decode64(signature), signed, padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(decode64(payload))
        except (ValueError, AttributeError, InvalidSignature):
            return None
        return claims if isinstance(claims, Mapping) else None  # type: ignore[return-value]

    @property
    def key_set(self) -> dict[str, Any]:
        """The JSON web key set of /openid/v1/jwks."""
        numbers = self._public.public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        key = {"use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256"}
        return {"keys": [key | {"n": encode64(numbers.n.to_bytes(size, "big")), "e": encode64(b"\x01\x00\x01")}]}
