"""What somebody outside the mesh, on a node, gets from its proxies."""

from __future__ import annotations

import re

from cryptography import x509

from tests.live.machine import Machine

from .command_line import meshctl
from .test_kubernetes import objects

CERTIFICATES = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


def shell(machine: Machine, line: str, cluster: str = "cluster1") -> str:
    """What a command prints on a node, which is in the mesh's network but not in the mesh."""
    return meshctl(machine, "shell", f"{cluster}-n2", "--", line).stdout


def address(machine: Machine, cluster: str, app: str) -> str:
    """Of the first pod."""
    pods = objects(machine, cluster, "-n", "istio", "pods", "-l", f"app={app}")["items"]
    return str(pods[0]["status"]["podIP"])


def chain(machine: Machine, cluster: str, app: str) -> list[x509.Certificate]:
    """What a workload's proxy shows to any caller: its own certificate, then those that lead to the root."""
    ask = (
        f"openssl s_client -connect {address(machine, cluster, app)}:9080 -alpn istio -showcerts </dev/null 2>/dev/null"
    )
    shown = shell(machine, ask, cluster)
    return x509.load_pem_x509_certificates("".join(CERTIFICATES.findall(shown)).encode())
