"""SPIFFE identities of workloads."""

from __future__ import annotations


def spiffe(trust_domain: str, namespace: str, service_account: str) -> str:
    """The URI SAN of a workload certificate."""
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{service_account}"
