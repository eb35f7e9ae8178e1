"""VirtualServices with full names, delegates put in their places, and who may use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from meshctl.sandbox.xds import delegates
from meshctl.sandbox.xds.configs import Config, ConfigStore
from meshctl.sandbox.xds.hosts import NOBODY, PRIVATE, PUBLIC, resolve
from meshctl.sandbox.xds.mesh_config import MeshConfig

MESH_GATEWAY = "mesh"

Fields = Mapping[str, Any]


def resolved(configs: ConfigStore, settings: MeshConfig) -> tuple[Config, ...]:
    """Every VirtualService with hosts, oldest first, delegates merged in (virtualservice_controller.go)."""
    named = [_with_full_names(config, settings.domain) for config in configs.of("VirtualService")]
    parts = {(config.namespace, config.name): config for config in named if not config.spec.get("hosts")}
    return tuple(_with_delegates(config, parts, settings) for config in named if config.spec.get("hosts"))


def bound_to(
    virtual_services: Iterable[Config], gateway: str, namespace: str, settings: MeshConfig
) -> tuple[Config, ...]:
    """Those bound to `mesh` or a gateway (`namespace/name`) that a proxy of `namespace` sees.

    First the namespace's private ones, then those exported to it by name, then the public ones.
    """
    bound = [config for config in virtual_services if gateway in (config.spec.get("gateways") or (MESH_GATEWAY,))]
    ranks = {id(config): _rank(config, namespace, settings) for config in bound}
    return tuple(config for rank in range(3) for config in bound if ranks[id(config)] == rank)


def _rank(config: Config, namespace: str, settings: MeshConfig) -> int | None:
    targets = _exports(config, settings)
    if PUBLIC in targets:
        return 2
    if NOBODY in targets or namespace not in targets:
        return None
    return 0 if namespace == config.namespace else 1


def _exports(config: Config, settings: MeshConfig) -> set[str]:
    targets = config.spec.get("exportTo") or settings.virtual_service_export_to
    return {config.namespace if target == PRIVATE else target for target in targets}


def _with_delegates(config: Config, parts: Mapping[tuple[str, str], Config], settings: MeshConfig) -> Config:
    routes = config.spec.get("http") or ()
    if not any(route.get("delegate") is not None for route in routes):
        return config
    merged = [route for root in routes for route in _delegated(root, config, parts, settings)]
    return replace(config, spec={**config.spec, "http": merged})


def _delegated(
    root: Fields, config: Config, parts: Mapping[tuple[str, str], Config], settings: MeshConfig
) -> Iterator[Fields]:
    """The routes that stand for one of a root's; a delegate that is missing or not visible leaves none."""
    reference = root.get("delegate")
    if reference is None:
        yield root
        return
    delegate = parts.get((reference.get("namespace") or config.namespace, reference.get("name") or ""))
    if delegate and {PUBLIC, config.namespace} & _exports(delegate, settings):
        yield from delegates.merged(root, delegate.spec.get("http") or ())


def _with_full_names(config: Config, domain: str) -> Config:
    spec = dict(config.spec)
    spec["hosts"] = [resolve(host, config.namespace, domain) for host in spec.get("hosts") or ()]
    spec["gateways"] = _gateways(spec.get("gateways") or (), config.namespace)
    for kind in ("http", "tls", "tcp"):
        spec[kind] = [_route(route, config.namespace, domain) for route in spec.get(kind) or ()]
    return replace(config, spec=spec)


def _route(route: Fields, namespace: str, domain: str) -> Fields:
    out = dict(route)
    if "match" in route:
        out["match"] = [_condition(condition or {}, namespace) for condition in route["match"] or ()]
    for field in ("route", "mirrors"):
        if route.get(field):
            out[field] = [_entry(entry, namespace, domain) for entry in route[field]]
    if route.get("mirror"):
        out["mirror"] = _destination(route["mirror"], namespace, domain)
    return out


def _condition(condition: Fields, namespace: str) -> Fields:
    if not condition.get("gateways"):
        return condition
    return {**condition, "gateways": _gateways(condition["gateways"], namespace)}


def _entry(entry: Fields, namespace: str, domain: str) -> Fields:
    if not entry.get("destination"):
        return entry
    return {**entry, "destination": _destination(entry["destination"], namespace, domain)}


def _destination(destination: Fields, namespace: str, domain: str) -> Fields:
    return {**destination, "host": resolve(destination.get("host") or "", namespace, domain)}


def _gateways(names: Sequence[str], namespace: str) -> list[str]:
    return [name if name == MESH_GATEWAY else gateway_name(name, namespace) for name in names]


def gateway_name(name: str, namespace: str) -> str:
    """`namespace/name` of a gateway that a VirtualService of `namespace` names; `name.ns.svc...` is old."""
    if "/" in name:
        return namespace + name[1:] if name.startswith("./") else name
    if "." not in name:
        return f"{namespace}/{name}"
    short, owner, *_ = name.split(".")
    return f"{owner}/{short}"
