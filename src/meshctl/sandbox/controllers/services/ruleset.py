"""A node's way to Services as nftables rules (kube-proxy's mode nftables, Kubernetes 1.31, pkg/proxy/nftables)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from meshctl.sandbox.controllers.services import ports
from meshctl.sandbox.controllers.services.ports import Endpoint, ServicePort

TABLE = "meshctl-services"
# kube-proxy's mark for connections that must come back by way of this node.
MARK = "0x4000"
HOOKS = """\
  chain dispatch {
    ip daddr . meta l4proto . th dport vmap @services
    ip daddr NODE meta l4proto . th dport vmap @node-ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat
    jump dispatch
  }
  chain local {
    type nat hook output priority -100
    jump dispatch
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    meta mark and MARK == MARK masquerade
    ip saddr . ip daddr @hairpins masquerade
  }
  chain unserved {
    ip daddr . meta l4proto . th dport vmap @unserved-services
    ip daddr NODE meta l4proto . th dport vmap @unserved-node-ports
    ip daddr @cluster-addresses reject
    UNALLOCATED
  }
  chain input {
    type filter hook input priority filter
    ct state new jump unserved
  }
  chain forward {
    type filter hook forward priority filter
    ct state new jump unserved
  }
  chain output {
    type filter hook output priority filter
    ct state new jump unserved
  }
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The node whose rules they are; `services` is the network of cluster addresses, `pods` that of its own pods."""

    node: str
    address: str
    pods: str = ""
    services: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    """One address and port, what happens there, and how that is written down."""

    match: str
    chain: str
    lines: tuple[str, ...]
    unserved: str


def script(found: Iterable[ServicePort], place: Place) -> str:
    """The input of `nft -f`: it replaces the whole table at once."""
    known = list(found)
    ways = [way for one in known for way in _ways(one, place)]
    nodes = [way for one in known if one.node_port for way in [_node_port(one, place)]]
    parts = [
        f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n",
        *(_chain(name, lines) for name, lines in _chains((*ways, *nodes))),
        _chain("refused", ("reject",)),
        *_verdicts("services", "ipv4_addr . inet_proto . inet_service", ways),
        *_verdicts("node-ports", "inet_proto . inet_service", nodes),
        _set("hairpins", "ipv4_addr . ipv4_addr", _hairpins(known)),
        _set("cluster-addresses", "ipv4_addr", (one.address for one in known)),
        _hooks(place),
        "}\n",
    ]
    return "".join(parts)


def _hooks(place: Place) -> str:
    unallocated = f"ip daddr {place.services} drop" if place.services else ""
    return HOOKS.replace("NODE", place.address).replace("MARK", MARK).replace("UNALLOCATED", unallocated)


def _ways(one: ServicePort, place: Place) -> Iterator[_Way]:
    away = f"ip saddr != {place.pods} " if place.pods else ""
    yield _way(one, place, f"{one.address} . {one.protocol} . {one.port}", "inside", one.inside, away)
    for address in one.externals:
        yield _outside(one, place, f"{address} . {one.protocol} . {one.port}")


def _node_port(one: ServicePort, place: Place) -> _Way:
    return _outside(one, place, f"{one.protocol} . {one.node_port}")


def _outside(one: ServicePort, place: Place, match: str) -> _Way:
    """From outside a client is masqueraded, unless the endpoints are the node's own and so see whom they serve."""
    local = one.outside == "Local"
    return _way(one, place, match, "outside", one.outside, None if local else "")


def _way(one: ServicePort, place: Place, match: str, side: str, policy: str, away: str | None) -> _Way:
    """`away` matches the clients that are masqueraded; None: nobody is."""
    used = ports.chosen(one.endpoints, policy, place.node)
    mark = () if away is None else (f"{away}meta mark set meta mark or {MARK}",)
    lines = (*mark, f"meta l4proto {one.protocol} dnat to {_target(used, one.sticky)}") if used else ()
    # With endpoints elsewhere kube-proxy drops, for a load balancer to try another node.
    unserved = "" if used else "drop" if one.endpoints else "goto refused"
    return _Way(match, f"{side}/{one.name}/{one.protocol}/{one.port}", lines, unserved)


def _target(used: Sequence[Endpoint], sticky: bool) -> str:
    if len(used) == 1:
        return f"{used[0].address}:{used[0].port}"
    # A hash of the client's address is kinder than kube-proxy's memory of it: it outlives a change of the rules.
    key = "jhash ip saddr" if sticky else "numgen random"
    choices = ", ".join(f"{number} : {one.address} . {one.port}" for number, one in enumerate(used))
    return f"{key} mod {len(used)} map {{ {choices} }}"


def _chains(ways: Iterable[_Way]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from {way.chain: way.lines for way in ways if way.lines}.items()


def _verdicts(name: str, kind: str, ways: Sequence[_Way]) -> Iterator[str]:
    served = dict.fromkeys(f"{way.match} : goto {way.chain}" for way in ways if way.lines)
    yield _map(name, kind, _first(served))
    yield _map(f"unserved-{name}", kind, _first(f"{way.match} : {way.unserved}" for way in ways if way.unserved))


def _first(elements: Iterable[str]) -> list[str]:
    """One element for each key: two Services may claim the same external address."""
    found: dict[str, str] = {}
    for one in elements:
        found.setdefault(one.partition(" : ")[0], one)
    return list(found.values())


def _hairpins(known: Iterable[ServicePort]) -> list[str]:
    addresses = {endpoint.address for one in known for endpoint in one.endpoints}
    return [f"{one} . {one}" for one in sorted(addresses)]


def _chain(name: str, lines: Iterable[str]) -> str:
    return f"  chain {name} {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _map(name: str, kind: str, elements: Sequence[str]) -> str:
    return _elements(f"  map {name} {{\n    type {kind} : verdict\n", elements)


def _set(name: str, kind: str, elements: Iterable[str]) -> str:
    return _elements(f"  set {name} {{\n    type {kind}\n", list(dict.fromkeys(elements)))


def _elements(head: str, elements: Sequence[str]) -> str:
    listed = ",\n".join(f"      {one}" for one in elements)
    return head + (f"    elements = {{\n{listed}\n    }}\n" if elements else "") + "  }\n"
