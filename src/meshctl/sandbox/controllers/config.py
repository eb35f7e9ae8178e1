"""What one cluster's controllers are told: a JSON file of paths and nodes, no secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node as it registers; `pod_cidr` is empty if it has none."""

    name: str
    address: str
    control_plane: bool
    pod_cidr: str


@dataclass(frozen=True, slots=True)
class Config:
    """The API server's URL, the files of its CA, of our certificate and key, and of the key that signs tokens.

    `service_cidr` is the network of cluster addresses, empty if nobody says.
    `folder` is the sandbox's, for the node agents, which serve with `agent_certificate`; without it there are none.
    """

    server: str
    authority: Path
    certificate: Path
    key: Path
    account_key: Path
    nodes: tuple[NodeSpec, ...]
    cluster: str = ""
    folder: Path | None = None
    agent_certificate: Path | None = None
    agent_key: Path | None = None
    service_cidr: str = ""


def load(path: Path) -> Config:
    """Read a configuration file."""
    given = json.loads(path.read_text())
    files = {name: Path(given[name]) for name in ("authority", "certificate", "key", "account_key")}
    agents = {name: Path(given[name]) for name in ("folder", "agent_certificate", "agent_key") if name in given}
    nodes = tuple(NodeSpec(**one) for one in given["nodes"])
    cluster, services = given.get("cluster", ""), given.get("service_cidr", "")
    return Config(given["server"], nodes=nodes, cluster=cluster, service_cidr=services, **files, **agents)
