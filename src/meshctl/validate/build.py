"""A document of the right structure becomes a Topology; addresses and CIDRs that are none become problems."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Any

from meshctl.topology import Cluster, Kubernetes, Locality, Node, Ssh, Topology
from meshctl.validate.document import Fault, Keys, path

DEFAULT_ISTIO = "1.31.0"
UNKNOWN_ADDRESS = IPv4Address("0.0.0.0")
UNKNOWN = "?"


def is_unknown(value: object) -> bool:
    """Whether a value stands in for one that the file doesn't give, or gives wrongly."""
    return (isinstance(value, str) and value.startswith(UNKNOWN)) or value in (
        UNKNOWN_ADDRESS,
        IPv4Network(UNKNOWN_ADDRESS),
    )


class Builder:
    """Reads one document, of which faulty parts may be missing; `faults` fills while `topology()` runs."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.faults: list[Fault] = []

    def topology(self) -> Topology:
        """The topology, with stand-ins for what is missing."""
        raw = self.raw
        mesh, provider = raw.get("mesh", {}), raw.get("provider", {})
        kind = provider.get("type", "sandbox")
        return Topology(
            name=raw.get("name", UNKNOWN),
            mesh_id=mesh.get("id", "mesh1"),
            trust_domain=mesh.get("trustDomain", "cluster.local"),
            istio_version=raw.get("istio", {}).get("version", DEFAULT_ISTIO),
            provider=kind,
            node_network=self._network(raw, (), "nodeNetwork") or IPv4Network(UNKNOWN_ADDRESS),
            clusters=tuple(self._cluster(item, ("clusters", i)) for i, item in enumerate(raw.get("clusters", []))),
            kubernetes=_kubernetes(raw.get("kubernetes", {}), kind),
            ssh=_ssh(provider.get("ssh", {})),
        )

    def _cluster(self, raw: dict[str, Any], keys: Keys) -> Cluster:
        nodes = raw.get("nodes", [])
        roles = [node.get("role") for node in nodes]
        chosen = roles.index("control-plane") if "control-plane" in roles else 0
        return Cluster(
            name=raw.get("name", UNKNOWN),
            primary=raw.get("role") == "primary",
            network=raw.get("network", f"{UNKNOWN}{path(keys)}"),
            pod_cidr=self._network(raw, keys, "podCIDR"),
            service_cidr=self._network(raw, keys, "serviceCIDR"),
            gateway_addresses=self._gateway(raw.get("gateway", []), (*keys, "gateway")),
            locality=Locality(**{"region": UNKNOWN, **raw.get("locality", {})}),
            nodes=tuple(
                self._node(node, (*keys, "nodes", i), node.get("role") == "control-plane" or i == chosen)
                for i, node in enumerate(nodes)
            ),
        )

    def _node(self, raw: dict[str, Any], keys: Keys, control_plane: bool) -> Node:
        return Node(
            name=raw.get("name", UNKNOWN),
            address=self._address(raw.get("address"), (*keys, "address")),
            control_plane=control_plane,
            pod_cidr=self._network(raw, keys, "podCIDR"),
            ssh=_ssh(raw.get("ssh", {})),
        )

    def _gateway(self, raw: Any, keys: Keys) -> tuple[IPv4Address, ...]:
        if isinstance(raw, str):
            return (self._address(raw, keys),)
        return tuple(self._address(item, (*keys, i)) for i, item in enumerate(raw))

    def _address(self, text: Any, keys: Keys) -> IPv4Address:
        if not isinstance(text, str):
            return UNKNOWN_ADDRESS
        try:
            return IPv4Address(text)
        except AddressValueError:
            self._fault(keys, f"is {text[:40]!r}; expected an IPv4 address such as 192.168.229.137")
            return UNKNOWN_ADDRESS

    def _network(self, raw: dict[str, Any], parent: Keys, key: str) -> IPv4Network | None:
        keys = (*parent, key)
        text = raw.get(key)
        if text is None:
            return None
        try:
            network = IPv4Network(text, strict=False)
        except (AddressValueError, NetmaskValueError, ValueError):
            self._fault(keys, f"is {text[:40]!r}; expected an IPv4 CIDR such as 172.20.0.0/16")
            return None
        if "/" not in text:
            self._fault(keys, f"is {text!r}, a single address; expected a CIDR such as {text}/16")
        elif str(network) != text:
            self._fault(keys, f"is {text!r}, which has host bits; expected {network}")
        return network

    def _fault(self, keys: Keys, message: str) -> None:
        self.faults.append((keys, message))


def _kubernetes(raw: dict[str, Any], provider: str) -> Kubernetes:
    usual = "embedded" if provider == "sandbox" else "k3s"
    return Kubernetes(raw.get("distribution", usual), raw.get("version"))


def _ssh(raw: dict[str, Any]) -> Ssh:
    return Ssh(raw.get("host"), raw.get("port"), raw.get("user"), raw.get("keyFile"), raw.get("knownHostsFile"))
