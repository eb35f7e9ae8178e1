"""Kinds of private key that authorities can have; free of imports, so that a command line can offer them."""

from __future__ import annotations

from enum import StrEnum


class KeyType(StrEnum):
    """Algorithm and size of a private key; Istio's own Makefile makes `rsa-4096` only."""

    RSA_4096 = "rsa-4096"
    RSA_2048 = "rsa-2048"
    EC_P256 = "ec-p256"
