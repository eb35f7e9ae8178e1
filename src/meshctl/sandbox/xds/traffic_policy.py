"""The traffic policy of a DestinationRule that applies to one port of a service and one subset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Policy = Mapping[str, Any]
_PORT_LEVEL = ("connectionPool", "loadBalancer", "outlierDetection", "tls")
_ALWAYS_MERGED = ("tunnel", "proxyProtocol", "retryBudget")


def port_level(policy: Policy, port: int) -> Policy | None:
    """The entry of `portLevelSettings` for a service port."""
    entries = policy.get("portLevelSettings") or ()
    return next((entry for entry in entries if (entry.get("port") or {}).get("number") == port), None)


def at_port(policy: Policy | None, port: int) -> Policy:
    """The policy of a port: its entry replaces the destination's, nothing is inherited."""
    entry = port_level(policy or {}, port)
    if entry is None:
        return policy or {}
    return {name: entry[name] for name in _PORT_LEVEL if name in entry}


def for_subset(policy: Policy | None, subset: Policy | None, port: int) -> Policy:
    """The policy of a subset's port (Istio MergeSubsetTrafficPolicy).

    The subset's own fields override the destination's one by one, those of its port level all together.
    """
    merged = {name: value for name, value in at_port(policy, port).items() if name != "portLevelSettings"}
    if subset is None:
        return merged
    own, whole = at_port(subset, port), port_level(subset, port) is not None
    for name in _PORT_LEVEL:
        if whole or own.get(name) is not None:
            merged[name] = own.get(name)
    merged.update((name, own[name]) for name in _ALWAYS_MERGED if own.get(name) is not None)
    return merged


def tls_mode(policy: Policy | None, port: int) -> str | None:
    """The TLS mode stated for a port, at port level or else for the destination (Istio mtls_checker.go)."""
    entry = port_level(policy or {}, port) or {}
    tls = entry.get("tls") if entry.get("tls") is not None else (policy or {}).get("tls")
    return None if tls is None else tls.get("mode") or "DISABLE"
