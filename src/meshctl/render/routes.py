"""The static routes of a host, as a list for people and as the systemd unit that keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.topology import Route

UNIT = "meshctl-routes.service"
# rtnetlink(7) leaves 4 to 255 to programs; by it routes of ours are told from others.
PROTOCOL = 157


def unit(topology: str, routes: Sequence[Route]) -> str:
    """A oneshot unit that adds the routes when the network is up, and takes them away when it is stopped."""
    start = "".join(f"ExecStart=/sbin/ip route replace {route} proto {PROTOCOL}\n" for route in routes)
    stop = "".join(f"ExecStop=-/sbin/ip route del {route} proto {PROTOCOL}\n" for route in routes)
    return (
        "[Unit]\n"
        f"Description=Static routes of the mesh {topology}\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n\n"
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        f"{start}{stop}\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def script(routes: Sequence[Route]) -> str:
    """The same routes as commands for a shell."""
    lines = "".join(f"ip route replace {route} proto {PROTOCOL}\n" for route in routes)
    return f"#!/bin/sh\nset -e\n{lines}"
