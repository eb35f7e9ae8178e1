"""Hosts as a pyinfra inventory file needs them, for `pyinfra inventories/NAME.py deploys/STEP.py`.

The topology is that of the environment: MESHCTL_TOPOLOGY (a file) or MESHCTL_PRESET, else ./topology.yaml, else the
classroom.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from meshctl.providers import choose, data
from meshctl.providers.provider import HostData
from meshctl.topology import Topology
from meshctl.validate import find_topology


def hosts(kind: str) -> list[tuple[str, HostData]]:
    """Every host of the topology with its data; `kind` is the provider, whatever the topology says."""
    topology = _topology(kind)
    return list(data.of_hosts(topology, choose.provider(topology)).items())


def sandbox_hosts() -> list[tuple[str, HostData]]:
    """The sandbox's hosts; this process moves into the sandbox's network, the only one where they exist."""
    from meshctl.sandbox import enter, paths

    found = hosts("sandbox")
    enter.fabric(paths.of(_topology("sandbox").name))
    return found


def _topology(kind: str) -> Topology:
    file = os.environ.get("MESHCTL_TOPOLOGY")
    found = find_topology(Path(file) if file else None, os.environ.get("MESHCTL_PRESET"))
    return replace(found, provider=kind)
