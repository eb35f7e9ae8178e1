"""Filter chains: which connections of a listener get which filters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, extension, message
from meshctl.sandbox.xds.service import UNSPECIFIED

# A slow TLS handshake must not hold memory for ever (Istio PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT).
HANDSHAKE_TIMEOUT = "15s"
RAW, TLS = "raw_buffer", "tls"
PLAINTEXT_HTTP = ("http/1.1", "h2c")
MTLS_HTTP = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
MTLS_TCP = ("istio-peer-exchange", "istio")
ANY_MTLS = ("istio", "istio-peer-exchange", *MTLS_HTTP)


@dataclass(frozen=True, slots=True)
class Chain:
    """Filters and the connections they are for: by SNI, destination, ALPN and transport; empty means any."""

    filters: Sequence[Json]
    sni_hosts: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    application_protocols: tuple[str, ...] = ()
    transport_protocol: str = ""
    transport_socket: Json | None = None
    metadata: Json | None = None

    @property
    def matches_all(self) -> bool:
        """Whether it takes every connection."""
        any_name = not self.sni_hosts or "*" in self.sni_hosts
        return any_name and not (self.application_protocols or self.transport_protocol or self.destinations)

    @property
    def reads_tls(self) -> bool:
        """Whether the listener must look into the TLS handshake first."""
        return bool(self.sni_hosts) or self.transport_socket is not None

    def conflicts_with(self, other: Chain) -> bool:
        """Whether Envoy would see the same match twice."""
        return (
            self.transport_protocol == other.transport_protocol
            and self.application_protocols == other.application_protocols
            and set(self.sni_hosts) - {"*"} == set(other.sni_hosts) - {"*"}
            and _networks(self.destinations) == _networks(other.destinations)
        )

    def match(self) -> Json | None:
        """Envoy's FilterChainMatch; None for every connection."""
        if self.matches_all:
            return None
        names = [] if "*" in self.sni_hosts else sorted(self.sni_hosts)
        return message(
            server_names=names,
            prefix_ranges=[prefix for cidr in sorted(self.destinations) if (prefix := _prefix_range(cidr))],
            application_protocols=list(self.application_protocols),
            transport_protocol=self.transport_protocol,
        )

    def build(self) -> Json:
        """Envoy's FilterChain."""
        return message(
            filter_chain_match=self.match(),
            filters=list(self.filters),
            transport_socket=self.transport_socket,
            transport_socket_connect_timeout=HANDSHAKE_TIMEOUT,
            metadata=self.metadata,
        )


def tls_inspector() -> Json:
    """Reads SNI and ALPN; most handshakes fit into 512 bytes, Envoy's own start is 64 KiB."""
    kind = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
    return extension("envoy.filters.listener.tls_inspector", kind, initial_read_buffer_size=512)


def http_inspector() -> Json:
    """Tells HTTP in the clear from anything else."""
    kind = "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector"
    return extension("envoy.filters.listener.http_inspector", kind)


def detection_timeout(settings: MeshConfig) -> str:
    """How long a silent connection is inspected; 0s, the mesh's default, is for ever."""
    return duration.proto(settings.raw.get("protocolDetectionTimeout")) or duration.ZERO


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _networks(cidrs: Iterable[str]) -> set[IPv4Network | IPv6Network]:
    found = (_network(cidr) for cidr in cidrs)
    return {network for network in found if network and str(network.network_address) != UNSPECIFIED}


def _prefix_range(cidr: str) -> Json | None:
    """The address as written, even with bits beyond the prefix; 0.0.0.0 takes any, so it is no match."""
    network = _network(cidr)
    address = cidr.partition("/")[0]
    if network is None or address == UNSPECIFIED:
        return None
    return {"address_prefix": address, "prefix_len": network.prefixlen}


def distinct(chains: Iterable[Json]) -> Iterator[Json]:
    """Chains without what an earlier one matches already, for which Envoy would refuse the listener; Istio sends it."""
    claimed: set[tuple[str, str]] = set()
    for chain in chains:
        match = chain.get("filter_chain_match") or {}
        rest = json.dumps({name: value for name, value in match.items() if name != "server_names"}, sort_keys=True)
        names = match.get("server_names") or [""]
        free = [name for name in names if (rest, name) not in claimed]
        claimed.update((rest, name) for name in free)
        if free == names:
            yield chain
        elif free:
            yield {**chain, "filter_chain_match": {**match, "server_names": free}}
