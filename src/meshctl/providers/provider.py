"""What every provider of hosts can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from meshctl.kube.access import Access
from meshctl.topology import Node

HostData = dict[str, Any]


class Provider(Protocol):
    """Hosts of one topology: they are made, reached and taken away; what runs on them is the deploys' business."""

    @property
    def name(self) -> str:
        """The provider's name in the topology."""

    def exists(self) -> bool:
        """Whether any of the hosts is there."""

    def create(self) -> tuple[str, ...]:
        """Make sure that every host exists; the lines of what changed. UsageError where that can't work."""

    def pending(self) -> tuple[str, ...]:
        """The lines of what `create` would change; nothing is changed."""

    def serve(self) -> tuple[str, ...]:
        """Make sure that each cluster's Kubernetes API answers, if that is ours to do; the lines of what changed."""

    def unserved(self) -> tuple[str, ...]:
        """The lines of what `serve` would change; nothing is changed."""

    def kubernetes(self) -> Mapping[str, Access]:
        """How each cluster's Kubernetes API is reached from where `prefix` leads; empty if we have no way in."""

    def forwarded(self) -> Mapping[str, Access]:
        """How each cluster's Kubernetes API is reached from this machine; UsageError if they are not up."""

    def reach(self, address: str, port: int) -> tuple[str, int]:
        """Host and port by which a server that the hosts can reach is reached from this machine."""

    def entrance(self, address: str, port: int) -> tuple[str, int]:
        """The same for the one server that people open in a browser: its host and port stay, wherever it is."""

    def delete(self) -> tuple[str, ...]:
        """Take away what `create` made; the lines of what changed."""

    def access(self) -> Mapping[str, HostData]:
        """How each host is reached, by node name: pyinfra's `ssh_*` keys."""

    def prefix(self) -> tuple[str, ...]:
        """A command to start others with that must reach the hosts."""

    def shell(self, node: Node) -> tuple[str, ...]:
        """The command of an interactive shell on a node."""

    def execute(self, node: Node, argv: Sequence[str], text: str = "") -> str:
        """What a command prints that runs on a node as root, with `text` as its standard input.

        MeshctlError with what it said if it fails.
        """

    def start_delay(self, node: Node, device: str, seconds: float) -> None:
        """Keep a program on a node that delays what is sent to a tap; UsageError where that can't be."""

    def stop_delay(self, node: Node, device: str) -> None:
        """End that program, if it runs."""
