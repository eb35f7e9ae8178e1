"""Traffic capture: the arguments of `istio-iptables` as nftables rules (Istio tools/istio-iptables, 1.31)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TABLE = "istio-proxy-nat"
# HBONE's, never captured.
TUNNEL = 15008


@dataclass(frozen=True, slots=True)
class Capture:
    """What is captured: ports and networks as lists, `*` is all; `users` are those of the proxy."""

    outbound: int = 15001
    inbound: int = 15006
    users: tuple[str, ...] = ("1337",)
    groups: tuple[str, ...] = ("1337",)
    inbound_ports: tuple[str, ...] = ("*",)
    inbound_excluded: tuple[str, ...] = ()
    networks: tuple[str, ...] = ("*",)
    networks_excluded: tuple[str, ...] = ()
    outbound_ports: tuple[str, ...] = ()
    outbound_excluded: tuple[str, ...] = ()


def parse(arguments: Sequence[str]) -> Capture:
    """The arguments after `istio-iptables`; what has no bearing on rules is let pass."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("-p", "--envoy-port", type=int, default=15001)
    parser.add_argument("-z", "--inbound-capture-port", type=int, default=15006)
    parser.add_argument("-u", "--proxy-uid", default="1337")
    parser.add_argument("-g", "--proxy-gid", default="1337")
    parser.add_argument("-b", "--istio-inbound-ports", default="")
    parser.add_argument("-d", "--istio-local-exclude-ports", default="")
    parser.add_argument("-i", "--istio-service-cidr", default="")
    parser.add_argument("-x", "--istio-service-exclude-cidr", default="")
    parser.add_argument("-q", "--istio-outbound-ports", default="")
    parser.add_argument("-o", "--istio-local-outbound-ports-exclude", default="")
    parser.add_argument("-m", "--istio-inbound-interception-mode", default="REDIRECT")
    given, _ = parser.parse_known_args(list(arguments))
    return Capture(
        given.envoy_port,
        given.inbound_capture_port,
        _listed(given.proxy_uid),
        _listed(given.proxy_gid),
        _listed(given.istio_inbound_ports),
        _listed(given.istio_local_exclude_ports),
        _listed(given.istio_service_cidr),
        _listed(given.istio_service_exclude_cidr),
        _listed(given.istio_outbound_ports),
        _listed(given.istio_local_outbound_ports_exclude),
    )


def rules(what: Capture) -> str:
    """The script for `nft -f`: it replaces what an earlier one put in."""
    return "\n".join(
        (
            f"table ip {TABLE}",
            f"delete table ip {TABLE}",
            f"table ip {TABLE} {{",
            "  chain prerouting {",
            "    type nat hook prerouting priority dstnat;",
            *(f"    {line}" for line in _inbound(what)),
            "  }",
            "  chain output {",
            "    type nat hook output priority dstnat;",
            *(f"    {line}" for line in _outbound(what)),
            "  }",
            "}",
            "",
        )
    )


def _inbound(what: Capture) -> Iterator[str]:
    to_proxy = f"redirect to :{what.inbound}"
    if not what.inbound_ports:
        return
    yield f"tcp dport {TUNNEL} return"
    if "*" not in what.inbound_ports:
        yield f"tcp dport {_set(what.inbound_ports)} {to_proxy}"
        return
    if what.inbound_excluded:
        yield f"tcp dport {_set(what.inbound_excluded)} return"
    yield f"meta l4proto tcp {to_proxy}"


def _outbound(what: Capture) -> Iterator[str]:
    yield "meta l4proto != tcp return"
    if what.outbound_excluded:
        yield f"tcp dport {_set(what.outbound_excluded)} return"
    yield 'oifname "lo" ip saddr 127.0.0.6 return'
    for key, names in (("skuid", what.users), ("skgid", what.groups)):
        for name in names:
            back = f'oifname "lo" ip daddr != 127.0.0.1 tcp dport != {TUNNEL} meta {key} {name}'
            yield f"{back} redirect to :{what.inbound}"
            yield f'oifname "lo" meta {key} != {name} return'
            yield f"meta {key} {name} return"
    yield "ip daddr 127.0.0.1 return"
    to_proxy = f"redirect to :{what.outbound}"
    if what.outbound_ports:
        ports = "" if "*" in what.outbound_ports else f"tcp dport {_set(what.outbound_ports)} "
        yield f"{ports}meta l4proto tcp {to_proxy}"
    if what.networks_excluded:
        yield f"ip daddr {_set(what.networks_excluded)} return"
    if "*" in what.networks:
        yield f"meta l4proto tcp {to_proxy}"
    elif what.networks:
        yield f"ip daddr {_set(what.networks)} meta l4proto tcp {to_proxy}"


def _set(values: Sequence[str]) -> str:
    return f"{{ {', '.join(values)} }}"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
