"""Probes: asking a container whether it is started, ready or alive."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.kubelet.exchange import exchange
from meshctl.sandbox.kubelet.netns import Networks

Object = Mapping[str, Any]
AGENT = "kube-probe/1.36"


@dataclass(frozen=True, slots=True)
class Probe:
    """Seconds and counts as in the API, defaults filled in."""

    handler: Object
    delay: float
    timeout: float
    period: float
    successes: int
    failures: int

    @classmethod
    def of(cls, spec: Object) -> Probe:
        """From the container's specification."""
        return cls(
            spec,
            float(spec.get("initialDelaySeconds") or 0),
            float(spec.get("timeoutSeconds") or 1),
            float(spec.get("periodSeconds") or 10),
            int(spec.get("successThreshold") or 1),
            int(spec.get("failureThreshold") or 3),
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A container as probes reach it: from its node's network, by process id; `execute` runs a command inside it."""

    networks: Networks
    node_pid: int
    address: str
    container: Object
    execute: Callable[[tuple[str, ...]], Awaitable[tuple[int, str]]]


async def ask(probe: Probe, target: Target) -> str:
    """Empty if all is well, else what the kubelet would say was wrong."""
    try:
        return await asyncio.wait_for(_ask(probe, target), probe.timeout)
    except TimeoutError:
        return f"command timed out after {probe.timeout:g}s" if "exec" in probe.handler else "context deadline exceeded"
    except (OSError, ValueError) as error:
        return str(error)


async def _ask(probe: Probe, target: Target) -> str:
    if action := probe.handler.get("exec"):
        status, output = await target.execute(tuple(action["command"]))
        return "" if status == 0 else output or f"command terminated with exit code {status}"
    if action := probe.handler.get("httpGet"):
        return await _get(action, probe, target)
    action = probe.handler.get("tcpSocket") or probe.handler.get("grpc") or {}
    address, port = action.get("host") or target.address, number(action.get("port"), target.container)
    connection = await target.networks.connect(target.node_pid, address, port, probe.timeout)
    connection.close()
    return ""


async def _get(action: Object, probe: Probe, target: Target) -> str:
    address, port = action.get("host") or target.address, number(action.get("port"), target.container)
    scheme = str(action.get("scheme") or "HTTP").upper()
    connection = await target.networks.connect(target.node_pid, address, port, probe.timeout)
    context = ssl._create_unverified_context() if scheme == "HTTPS" else None  # noqa: S323 # as the kubelet does
    headers = {"Host": f"{address}:{port}", "User-Agent": AGENT, "Accept": "*/*"}
    headers |= {one["name"]: one["value"] for one in action.get("httpHeaders") or ()}
    status, _ = await exchange(connection, "GET", action.get("path") or "/", headers, context, body=False)
    return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"


def number(port: int | str | None, container: Object) -> int:
    """A port by number or by the name that the container gives it; ValueError."""
    if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()):
        return int(port)
    for one in container.get("ports") or ():
        if one.get("name") == port:
            return int(one["containerPort"])
    raise ValueError(f"couldn't find port: {port} in container {container.get('name')}")
