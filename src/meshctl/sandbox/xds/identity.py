"""SPIFFE identities of workloads."""

from __future__ import annotations

from collections.abc import Iterable

_SCHEME = "spiffe://"


def spiffe(trust_domain: str, namespace: str, service_account: str) -> str:
    """The URI SAN of a workload certificate."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"


def in_domains(identity: str, aliases: Iterable[str]) -> list[str]:
    """An identity and the same workload's in other trust domains; what is no SPIFFE identity stays alone."""
    if not identity.startswith(_SCHEME):
        return [identity]
    path = identity.removeprefix(_SCHEME).partition("/")[2]
    return [identity, *(f"{_SCHEME}{alias}/{path}" for alias in aliases)]
