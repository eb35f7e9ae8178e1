"""Outages in the kernels of the nodes: looked up, put in place and taken away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meshctl.outages import outage as outages
from meshctl.outages import rules
from meshctl.outages.outage import TABLE, Outage
from meshctl.outages.rules import Arrival, Cut
from meshctl.providers.provider import Provider
from meshctl.topology import Node

LINE = "outage"
LOOK = ("sh", "-c", "nft -j list tables && ip -json link show")
# A delay line is a device that gives back later what is sent to it. Where the kernel has netem that is a veth pair;
# elsewhere a tap, behind which a program waits. It has the hardware address of the device it stands in for, or what
# it gives back would be for somebody else; and an address of its own (one that RFC 5737 keeps for documentation),
# or the kernel would find every sender implausible (fib_validate_source) where rp_filter is on.
LAY = """\
device=$(ip -o -4 address show to "$1" | awk '{print $2; exit}')
[ -n "$device" ] || device=$(ip -o -4 route get "$1" | sed 's/.* dev \\([^ ]*\\).*/\\1/')
link=$(ip -o link show dev "$device")
mac=$(echo "$link" | sed 's/.*link\\/ether \\([^ ]*\\).*/\\1/')
mtu=$(echo "$link" | sed 's/.* mtu \\([0-9]*\\).*/\\1/')
ip link delete "$2" 2>/dev/null
ip link add "$2" mtu "$mtu" type veth peer name "$2p" mtu "$mtu" address "$mac" || exit
way=netem
if ! tc qdisc add dev "$2" root netem delay "$3us" limit 10000 2>/dev/null; then
  way=relay
  ip link delete "$2" && ip tuntap add dev "$2" mode tap && ip link set "$2" mtu "$mtu" address "$mac" || exit
fi
strict=$(sysctl -n net.ipv4.conf.all.rp_filter)
for end in "$2" "$2p"; do
  ip link set "$end" arp off txqueuelen 10000 up 2>/dev/null || continue
  ip address add 192.0.2.1/32 scope link dev "$end"
  sysctl -q -w "net.ipv4.conf.$end.rp_filter=$([ "$strict" = 1 ] && echo 2 || echo 0)"
  sysctl -q -w "net.ipv6.conf.$end.disable_ipv6=1" 2>/dev/null
done
echo "$device $way"
"""
WAIT = """\
for _ in $(seq 100); do ip -o link show dev "$1" | grep -q LOWER_UP && exit; sleep 0.05; done
echo "nothing delays packets on $1 after 5 s"; exit 1
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a node's kernel holds of outages: tables by family and name, and the devices of delay lines."""

    tables: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]

    @property
    def outages(self) -> tuple[Outage, ...]:
        """Those that the tables belong to."""
        parsed = (outages.parse(name) for _, name in self.tables)
        return tuple(dict.fromkeys(one for one in parsed if one))


def look(provider: Provider, node: Node) -> Found:
    """What is there now."""
    text = provider.execute(node, LOOK)
    tables, end = json.JSONDecoder().raw_decode(text)
    links = json.loads(text[end:])
    named = [one["table"] for one in tables["nftables"] if "table" in one]
    return Found(
        tuple((one["family"], one["name"]) for one in named if one["name"].startswith(TABLE)),
        tuple(one["ifname"] for one in links if _is_line(one["ifname"])),
    )


def change(provider: Provider, node: Node, found: Found, cuts: Mapping[Outage, Cut], gone: Sequence[Outage]) -> bool:
    """Put outages in place and take others away, and what an interrupted command left; whether anything changed."""
    new = {outage: what for outage, what in cuts.items() if not _is_there(found, outage, what)}
    stay = [one for one in found.outages if one not in gone]
    tables = [one for one in found.tables if one[1] in {outage.table for outage in gone}]
    scripts = [rules.script(outage, what) for outage, what in new.items()]
    # First the tables that `heal` looks for, then what it should clean up.
    _load(provider, node, rules.removal(tables) + "".join(scripts))
    _load(provider, node, "".join(_delayed(provider, node, *one) for one in new.items() if one[0].delay))
    kept = {name for one in (*stay, *cuts) for name in (*_lines_of(found, one), *_lines(one, cuts.get(one, Cut())))}
    left = [name for name in found.lines if name not in kept]
    for name in left:
        provider.stop_delay(node, name)
        provider.execute(node, ("ip", "link", "delete", name))
    return bool(new or tables or left)


def _is_there(found: Found, outage: Outage, what: Cut) -> bool:
    """Whether all of it is; the table that is loaded last tells."""
    last = ("netdev" if outage.delay else "ip", outage.table)
    return last in found.tables and set(_lines(outage, what)) == set(_lines_of(found, outage))


def _delayed(provider: Provider, node: Node, outage: Outage, what: Cut) -> str:
    laid = [(one, *_lay(provider, node, outage, one, name)) for name, one in _lines(outage, what).items()]
    return rules.delays(outage, laid)


def _lines(outage: Outage, what: Cut) -> dict[str, Arrival]:
    """The delay lines by their devices' names, 14 characters and the same each time."""
    return {f"{_prefix(outage)}{number:02x}": one for number, one in enumerate(what.arrivals)} if outage.delay else {}


def _prefix(outage: Outage) -> str:
    return LINE + hashlib.sha256(outage.table.encode()).hexdigest()[:6]


def _is_line(name: str) -> bool:
    return name.startswith(LINE) and len(name) == len(LINE) + 8


def _lines_of(found: Found, outage: Outage) -> list[str]:
    return [name for name in found.lines if name.startswith(_prefix(outage))]


def _load(provider: Provider, node: Node, script: str) -> None:
    if script:
        provider.execute(node, ("nft", "-f", "-"), script)


def _lay(provider: Provider, node: Node, outage: Outage, arrival: Arrival, name: str) -> tuple[str, str]:
    """The device where packets come in, and the one that they are sent to."""
    told = provider.execute(node, ("sh", "-c", LAY, "lay", arrival.address, name, str(outage.delay)))
    device, way = told.split()
    if way == "relay":
        provider.start_delay(node, name, outage.delay / 1e6)
        provider.execute(node, ("sh", "-c", WAIT, "wait", name))
    return device, name
