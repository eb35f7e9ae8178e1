"""The network's commands as `ip -batch` scripts; pure text."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from meshctl.sandbox.wire import Fabric, Host, Pod

BRIDGE = "mesh0"
# Where pods send everything, as with Calico: the node's end of the cable, by a fixed hardware address.
POD_GATEWAY = "169.254.1.1"
POD_GATEWAY_MAC = "ee:ee:ee:ee:ee:ee"


def fabric(wanted: Fabric) -> str:
    """The bridge; run once in the fabric.

    Its hardware address is stated: it would change with its ports, and hosts would not find the fabric any more.
    """
    own = mac(str(IPv4Interface(wanted.address).ip))
    return f"""\
link set lo up
link add {BRIDGE} address {own} type bridge stp_state 0 forward_delay 0 mcast_snooping 0
link set {BRIDGE} up
addr add {wanted.address} dev {BRIDGE}
"""


def readdress(wanted: Fabric) -> str:
    """Another address for the fabric; run in the fabric."""
    return f"addr flush dev {BRIDGE}\naddr add {wanted.address} dev {BRIDGE}\n"


def cables(hosts: Iterable[tuple[Host, int]]) -> str:
    """A veth pair from the bridge into the network namespace of each host's first process; run in the fabric."""
    return "".join(
        f"link add {port(host)} type veth peer name eth0 address {mac(host.address)} netns /proc/{pid}/ns/net\n"
        f"link set {port(host)} master {BRIDGE} up\n"
        for host, pid in hosts
    )


def host(wanted: Fabric, one: Host) -> str:
    """The host's own address; run in the host, any number of times."""
    prefix = subnet(wanted).prefixlen
    return f"link set lo up\nlink set eth0 up\naddr replace {one.address}/{prefix} brd + dev eth0\n"


def pod_cable(pod: Pod, descriptor: int) -> str:
    """A veth pair from the node into the pod's network namespace, and the node's route; run in the node."""
    name = pod_port(pod)
    return f"""\
link add {name} address {POD_GATEWAY_MAC} type veth peer name eth0 address {mac(pod.address)} \
  netns /proc/self/fd/{descriptor}
link set {name} up
route replace {pod.address}/32 dev {name}
"""


def pod(wanted: Pod) -> str:
    """The pod's address and default route; run in the pod."""
    return f"""\
link set lo up
link set eth0 up
addr add {wanted.address}/32 dev eth0
neigh replace {POD_GATEWAY} lladdr {POD_GATEWAY_MAC} dev eth0 nud permanent
route add {POD_GATEWAY}/32 dev eth0 scope link
route add default via {POD_GATEWAY} dev eth0
"""


def subnet(wanted: Fabric) -> IPv4Network:
    """The network of the hosts."""
    return IPv4Interface(wanted.address).network


def port(one: Host) -> str:
    """The host's interface on the bridge: 15 characters at most, and the same each time."""
    return f"n{int(IPv4Address(one.address)):08x}"


def pod_port(one: Pod) -> str:
    """The pod's interface on its node."""
    return f"p{int(IPv4Address(one.address)):08x}"


def mac(address: str) -> str:
    """A locally administered hardware address that shows the IPv4 address."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in IPv4Address(address).packed)
