"""What runs for a cluster on its control-plane node, and the configuration files that it reads."""

from __future__ import annotations

import json
import os
import sys
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from meshctl.sandbox.clusters import certificates
from meshctl.sandbox.clusters.files import Files, write
from meshctl.sandbox.enter import PACKAGE
from meshctl.sandbox.paths import Paths
from meshctl.sandbox.wire import Program
from meshctl.topology import API_PORT, Cluster, node_pod_cidrs

# kubeadm's default, for a cluster that states none.
SERVICE_CIDR = IPv4Network("10.96.0.0/12")
NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
KINDS = ("apiserver", "controllers")
# The kubelet's.
AGENT_PORT = 10250


def name(kind: str, cluster: Cluster) -> str:
    """The program's name in the sandbox."""
    return f"{kind}-{cluster.name}"


def program(kind: str, cluster: Cluster, files: Files, where: Paths) -> Program:
    """The API server or the controllers."""
    config = {"apiserver": files.config, "controllers": files.controllers}[kind]
    return Program(
        name(kind, cluster),
        (sys.executable, "-P", "-m", f"meshctl.sandbox.{kind}", "--config", str(config)),
        cluster.control_plane.name,
        root="fabric",
        environment={"PYTHONPATH": str(PACKAGE), "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        log=str(where.logs / f"{name(kind, cluster)}.log"),
    )


def prepare(cluster: Cluster, files: Files) -> bool:
    """Write certificates and configurations as far as they are missing or stale; whether anything was."""
    wanted = {files.config: _server(cluster, files), files.controllers: _controllers(cluster, files)}
    if all(_holds(path, content) for path, content in wanted.items()):
        return False
    files.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _holds(files.config, wanted[files.config]):
        certificates.make(files, _addresses(cluster), _names(cluster), [node.address for node in cluster.nodes])
    for path, content in reversed(wanted.items()):
        write(path, content)
    return True


def _server(cluster: Cluster, files: Files) -> bytes:
    address = str(cluster.control_plane.address)
    return _json(
        {
            "data_dir": str(files.data),
            "client_ca": str(files.authority),
            "serving_cert": str(files.certificate("serving")),
            "serving_key": str(files.key("serving")),
            "service_account_key": str(files.account_key),
            "address": address,
            "port": API_PORT,
            "advertise_address": address,
            "cluster_name": cluster.name,
            "service_cidr": str(_service_cidr(cluster)),
            "agent_port": AGENT_PORT,
        }
    )


def _controllers(cluster: Cluster, files: Files) -> bytes:
    cidrs = node_pod_cidrs(cluster)
    nodes = [
        {
            "name": node.name,
            "address": str(node.address),
            "control_plane": node.control_plane,
            "pod_cidr": str(cidrs[node.name]) if node.name in cidrs else "",
        }
        for node in cluster.nodes
    ]
    return _json(
        {
            "server": cluster.api_server,
            "authority": str(files.authority),
            "certificate": str(files.certificate("controllers")),
            "key": str(files.key("controllers")),
            "account_key": str(files.account_key),
            "nodes": nodes,
            "cluster": cluster.name,
            "service_cidr": str(_service_cidr(cluster)),
            "folder": str(files.folder.parents[1]),
            "agent_certificate": str(files.certificate("agents")),
            "agent_key": str(files.key("agents")),
        }
    )


def _addresses(cluster: Cluster) -> tuple[IPv4Address, ...]:
    return cluster.control_plane.address, IPv4Address("127.0.0.1"), _service_cidr(cluster)[1]


def _names(cluster: Cluster) -> tuple[str, ...]:
    return ("localhost", *NAMES, cluster.control_plane.name)


def _service_cidr(cluster: Cluster) -> IPv4Network:
    return cluster.service_cidr or SERVICE_CIDR


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False
