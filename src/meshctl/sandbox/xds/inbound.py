"""Clusters that lead from a sidecar to its own application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.sandbox.xds import cluster_name, connection_pool, http_protocol, traffic_policy
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, message, socket_address
from meshctl.sandbox.xds.protocol import parse
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.service import Port, Service, Target

# Traffic capture lets connections from this address through to the application.
BIND_ADDRESS = "127.0.0.6"
_LOCALHOST = "127.0.0.1"
# Envoy would forget hosts that nobody asked for; this is the longest time that istiod can write.
_NEVER = "9223372035s"
_PASSTHROUGH_IDLE = "300s"
Found = tuple[Json, tuple[str, ...]]


def clusters(view: Scope) -> Iterator[Found]:
    """The inbound clusters of a sidecar, each with the hosts that it serves."""
    ingress = (view.sidecar.spec.get("ingress") if view.sidecar else None) or ()
    yield from _of_sidecar(view, ingress) if ingress else _of_services(view)
    yield {"name": cluster_name.INBOUND_PASSTHROUGH, **passthrough(view.mesh.config), **_bound()}, ()


def passthrough(config: MeshConfig) -> Json:
    """The fields, but for the name, of a cluster that follows the original destination."""
    options = http_protocol.extension(http_protocol.follow_downstream(), {"idle_timeout": _PASSTHROUGH_IDLE}, None)
    return {
        "alt_stat_name": f"{cluster_name.PASSTHROUGH};",
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "typed_extension_protocol_options": options,
        **connection_pool.fields({}, None, config),
    }


def service_metadata(service: Service) -> Json:
    """A service as cluster metadata names it."""
    return {"host": service.hostname, "name": service.name, "namespace": service.namespace}


def _of_services(view: Scope) -> Iterator[Found]:
    """One cluster for each port of the workload; of several services there, the first one's rule counts."""
    by_port: dict[int, list[Target]] = {}
    for target in view.mesh.registry.targets(view.proxy):
        by_port.setdefault(target.target_port, []).append(target)
    local = (view.mesh.config.raw.get("inboundTrafficPolicy") or {}).get("mode") == "LOCALHOST"
    for port, targets in by_port.items():
        destination = socket_address(_LOCALHOST, port) if local else None
        hosts = tuple(target.service.hostname for target in targets)
        yield _cluster(view, port, targets, destination), hosts


def _of_sidecar(view: Scope, ingress: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    """One cluster for each ingress listener of the Sidecar, to its default endpoint."""
    targets = view.mesh.registry.targets(view.proxy)
    for listener in ingress:
        spec = listener["port"]
        port = Port(spec.get("name") or "", spec["number"], parse(spec.get("protocol") or ""))
        service = next((t.service for t in targets if t.target_port == port.number), None)
        destination = _default_endpoint(view, listener.get("defaultEndpoint") or "")
        target = Target(service or _unnamed(view), port, port.number)
        yield _cluster(view, port.number, [target], destination), (target.service.hostname,)


def _unnamed(view: Scope) -> Service:
    """What stands for a Sidecar's port that no service has."""
    name = view.sidecar.name if view.sidecar else ""
    namespace = view.sidecar.namespace if view.sidecar else ""
    return Service(f"{name}.{namespace}", name, namespace, (), mesh_external=True)


def _default_endpoint(view: Scope, text: str) -> Json | None:
    if text.startswith("unix://"):
        return {"pipe": {"path": text.removeprefix("unix://")}}
    address, _, port = text.rpartition(":")
    if not port.isdigit():
        return None
    own = {"0.0.0.0": view.proxy.address, "127.0.0.1": _LOCALHOST}
    return socket_address(own.get(address.strip("[]"), address.strip("[]")), int(port))


def _cluster(view: Scope, port: int, targets: Sequence[Target], destination: Json | None) -> Json:
    first = targets[0]
    name = cluster_name.inbound(port)
    pool = _pool(view, first, port)
    return (
        message(
            name=name,
            alt_stat_name=f"{name};",
            type="STATIC" if destination else "ORIGINAL_DST",
            common_lb_config={},
            metadata=_metadata(view, targets),
            typed_extension_protocol_options=http_protocol.extension(
                http_protocol.upstream(first.port, pool, sniffs=True, upgrades=False),
                http_protocol.common_limits(pool),
                None,
            ),
        )
        | connection_pool.fields(pool, _policy(view, first).get("retryBudget"), view.mesh.config)
        | (_static(name, destination) if destination else _original())
        | ({} if _is_loopback(destination) else _bound())
    )


def _original() -> Json:
    return {"lb_policy": "CLUSTER_PROVIDED", "cleanup_interval": _NEVER}


def _static(name: str, destination: Json) -> Json:
    hosts = [{"lb_endpoints": [{"endpoint": {"address": destination}}]}]
    return {"load_assignment": {"cluster_name": name, "endpoints": hosts}}


def _is_loopback(destination: Json | None) -> bool:
    return bool((destination or {}).get("socket_address", {}).get("address") == _LOCALHOST)


def _bound() -> Json:
    return {"upstream_bind_config": {"source_address": {"address": BIND_ADDRESS, "port_value": 0}}}


def _policy(view: Scope, target: Target) -> traffic_policy.Policy:
    """The DestinationRule's policy for the service port: its connection pool counts at the server too."""
    rule = view.server_rule(target.service)
    return traffic_policy.at_port(rule.spec.get("trafficPolicy"), target.port.number) if rule else {}


def _pool(view: Scope, target: Target, port: int) -> Mapping[str, Any]:
    """The connection pool of the Sidecar's listener, else of the Sidecar, else of the DestinationRule."""
    spec = view.sidecar.spec if view.sidecar else {}
    own = (entry for entry in spec.get("ingress") or () if entry["port"]["number"] == port)
    stated = next((entry.get("connectionPool") for entry in own), None) or spec.get("inboundConnectionPool")
    pool = stated if stated is not None else _policy(view, target).get("connectionPool")
    return pool or {}


def _metadata(view: Scope, targets: Sequence[Target]) -> Json | None:
    first = targets[0]
    if first.service.mesh_external:
        return None
    same = (target.service for target in targets if target.port.number == first.port.number)
    services = list({service.hostname: service_metadata(service) for service in same}.values())
    rule = view.server_rule(first.service)
    stated = rule is not None and rule.spec.get("trafficPolicy") is not None
    config = rule.config.path("destination-rule") if rule and stated else None
    return {"filter_metadata": {"istio": {"services": services} | message(config=config)}}
