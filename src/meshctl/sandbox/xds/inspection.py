"""Listener filters of inbound listeners: which connections must be looked into before a chain is chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from meshctl.sandbox.xds.filter_chains import PLAINTEXT_HTTP, TLS, http_inspector, tls_inspector
from meshctl.sandbox.xds.message import Json, extension


def listener_filters(chains: Sequence[Json], *, original: bool) -> list[Json]:
    """The filters that the chains' matches need; `original`: connections arrive redirected.

    A port whose chains do not depend on an inspector is spared it (Istio core/listener_inbound.go).
    """
    matches = [chain.get("filter_chain_match") or {} for chain in chains]
    ports = {_port(match) for match in matches}
    tls = {_port(match) for match in matches if match.get("transport_protocol") == TLS}
    http = {_port(match) for match in matches if _sniffs_http(match)}
    filters = [_original_destination()] if original else []
    if tls:
        filters.append(tls_inspector() | _disabled_for_tls(ports, tls))
    # After the TLS inspector: what that finds to be TLS, the HTTP inspector leaves alone.
    if http:
        filters.append(http_inspector() | _disabled(ports - http))
    return filters


def _port(match: Json) -> int:
    port: int = match.get("destination_port", 0)
    return port


def _sniffs_http(match: Json) -> bool:
    return bool(set(PLAINTEXT_HTTP) & set(match.get("application_protocols") or ()))


def _original_destination() -> Json:
    kind = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"
    return extension("envoy.filters.listener.original_dst", kind)


def _disabled_for_tls(ports: Collection[int], needed: Collection[int]) -> Json:
    """If ports without chain need it, the others are named; if not, those that do."""
    if 0 in needed:
        return _disabled(set(ports) - set(needed))
    return {"filter_disabled": {"not_match": _any_of(needed)}}


def _disabled(ports: Collection[int]) -> Json:
    return {"filter_disabled": _any_of(ports)} if ports else {}


def _any_of(ports: Iterable[int]) -> Json:
    rules = [{"destination_port_range": {"start": port, "end": port + 1}} for port in sorted(ports)]
    if rules and rules[0]["destination_port_range"]["start"] == 0:
        # Port 0 stands for every port without chain; zero is left out of the JSON.
        rules[0] = {"destination_port_range": {"end": 1}}
    return rules[0] if len(rules) == 1 else {"or_match": {"rules": rules}}
