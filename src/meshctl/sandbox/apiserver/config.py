"""What one API server is told: a YAML or JSON file of paths and addresses, no secrets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from meshctl.errors import InvalidInput, Problem

SERVICE_CIDR = IPv4Network("10.96.0.0/12")
ISSUER = "https://kubernetes.default.svc.cluster.local"
PATHS = frozenset({"data_dir", "client_ca", "serving_cert", "serving_key", "service_account_key", "token_file"})


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one server; relative paths are taken from the configuration file's directory.

    `token_file`: lines of `token,user,uid,"group1,group2"`, as kube-apiserver's --token-auth-file.
    `agent_port`: where node agents serve logs (None: there are none).
    `collects`: whether the server deletes what belongs to deleted owners and namespaces, as the garbage collector and
    the namespace controller of kube-controller-manager do; a namespace's content after `namespace_grace` seconds.
    `pod_service_accounts`: whether the ServiceAccount admission gives pods an account and its token volume.
    """

    data_dir: Path
    client_ca: Path
    serving_cert: Path
    serving_key: Path
    service_account_key: Path
    address: str = "127.0.0.1"
    port: int = 6443
    advertise_address: str = ""
    cluster_name: str = "kubernetes"
    service_cidr: IPv4Network = SERVICE_CIDR
    node_ports: tuple[int, int] = (30000, 32767)
    issuer: str = ISSUER
    audiences: tuple[str, ...] = ()
    token_file: Path | None = None
    pod_service_accounts: bool = True
    agent_port: int | None = None
    collects: bool = True
    namespace_grace: float = 5.0

    @property
    def api_audiences(self) -> tuple[str, ...]:
        """Audiences of tokens that are meant for this server."""
        return self.audiences or (self.issuer,)


def load(path: Path) -> Config:
    """Read a configuration file; InvalidInput names every unknown, missing or wrong entry."""
    given = yaml.safe_load(path.read_text())
    entries = given if isinstance(given, dict) else {}
    known = {field.name: field for field in fields(Config)}
    problems = [Problem(0, str(key), f"unknown; known are {', '.join(known)}") for key in entries if key not in known]
    for name in ("data_dir", "client_ca", "serving_cert", "serving_key", "service_account_key"):
        if name not in entries:
            problems.append(Problem(0, name, "missing; the path of a file or directory"))
    values = {key: value for key, value in entries.items() if key in known}
    converted: dict[str, Any] = {}
    for key, value in values.items():
        try:
            converted[key] = _converted(key, value, path.parent)
        except (TypeError, ValueError) as error:
            problems.append(Problem(0, key, str(error)))
    if problems:
        raise InvalidInput(str(path), problems)
    return Config(**converted)


def _converted(key: str, value: Any, directory: Path) -> Any:
    if key in PATHS:
        return directory / str(value)
    if key == "service_cidr":
        return IPv4Network(value)
    if key in ("port", "agent_port"):
        return int(value)
    if key == "node_ports":
        first, last = value
        return int(first), int(last)
    return tuple(value) if key == "audiences" else value
