"""Pods reach other hosts under their node's address, as with any network plugin: nobody else knows the way to them."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

TABLE = "meshctl-masquerade"
INTERFACE = "eth0"
LOOK = ["ip", "-json", "-4", "route", "show", "dev", INTERFACE, "proto", "kernel"]


def hosts(routes: str) -> str:
    """The network of the hosts, from what LOOK prints; empty if there is none."""
    return next((str(one["dst"]) for one in json.loads(routes or "[]") if "/" in one["dst"]), "")


def script(pods: IPv4Network | None, network: str) -> str:
    """The input of `nft -f`: it replaces the whole table. Other clusters' pods see whom they serve."""
    rule = f"ip saddr {pods} ip daddr {network} masquerade" if pods and network else ""
    chain = f"chain postrouting {{ type nat hook postrouting priority srcnat + 1; {rule}\n}}"
    return f"table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{chain}\n}}\n"
