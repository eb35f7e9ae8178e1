"""The provider that a topology asks for."""

from __future__ import annotations

from meshctl.errors import UsageError
from meshctl.providers.provider import Provider
from meshctl.topology import Topology


def provider(topology: Topology) -> Provider:
    """The provider by its name in the topology."""
    if topology.provider == "ssh":
        from meshctl.providers.ssh import SshProvider

        return SshProvider(topology)
    if topology.provider == "sandbox":
        from meshctl.providers.sandbox import SandboxProvider

        return SandboxProvider(topology)
    raise UsageError(f"provider {topology.provider} of {topology.name} can't be used yet; expected sandbox or ssh")
