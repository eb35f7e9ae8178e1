"""EnvoyFilters for clusters: MERGE, ADD and REMOVE, as protobuf merges messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.mesh import Mesh
from meshctl.sandbox.xds.message import Json
from meshctl.sandbox.xds.proxy import Proxy

VERSION = "1.31.0"
_NAME = re.compile(r"^(?P<direction>\w+?)(?:\||_\.)(?P<port>\d*)(?:\||_\.)(?P<subset>.*?)(?:\||_\.)(?P<host>.*)$")
# Setting one member of a oneof of envoy.config.cluster.v3.Cluster clears the others.
_ONE_OF = (
    {"type", "cluster_type"},
    {
        "ring_hash_lb_config",
        "maglev_lb_config",
        "original_dst_lb_config",
        "least_request_lb_config",
        "round_robin_lb_config",
    },
    {"zone_aware_lb_config", "locality_weighted_lb_config"},
)
# Keys below these are the user's, not fields of a message.
_MAPS = frozenset({"filter_metadata", "typed_extension_protocol_options", "match"})
_UNSET_ENUMS = frozenset({"ROUND_ROBIN", "AUTO", "DEFAULT"})


class Context(Enum):
    """Which of a proxy's clusters a patch is for."""

    ANY = "ANY"
    SIDECAR_INBOUND = "SIDECAR_INBOUND"
    SIDECAR_OUTBOUND = "SIDECAR_OUTBOUND"
    GATEWAY = "GATEWAY"


@dataclass(frozen=True, slots=True)
class Patches:
    """The cluster patches that apply to one proxy, in order."""

    entries: tuple[Mapping[str, Any], ...] = ()

    def merged(self, cluster: Json, context: Context, hosts: Sequence[str] = ()) -> Iterator[Json]:
        """The cluster with every MERGE that matches it; nothing if a REMOVE does."""
        for entry in self.entries:
            operation = entry["patch"].get("operation")
            if operation not in ("MERGE", "REMOVE") or not _matches(entry, cluster["name"], context, hosts):
                continue
            if operation == "REMOVE":
                return
            cluster = _merged_cluster(cluster, _fields(entry["patch"].get("value") or {}))
        yield cluster

    def removes(self, name: str, context: Context) -> bool:
        """Whether a REMOVE matches the cluster of that name."""
        return any(
            entry["patch"].get("operation") == "REMOVE" and _matches(entry, name, context, ()) for entry in self.entries
        )

    def added(self, context: Context) -> Iterator[Json]:
        """The clusters that patches add; without a context of their own only on the way out."""
        for entry in self.entries:
            stated = Context((entry.get("match") or {}).get("context") or "ANY")
            outward = context is not Context.SIDECAR_INBOUND
            if entry["patch"].get("operation") == "ADD" and stated in (
                (context, Context.ANY) if outward else (context,)
            ):
                yield _fields(entry["patch"].get("value") or {})


def outward(proxy: Proxy) -> Context:
    """The context of a proxy's clusters for what it sends."""
    return Context.SIDECAR_OUTBOUND if proxy.is_sidecar else Context.GATEWAY


def of(mesh: Mesh, proxy: Proxy) -> Patches:
    """Patches of the EnvoyFilters in the root namespace and the proxy's own, by priority, then age."""
    root = mesh.config.root_namespace
    chosen = [
        filter_
        for filter_ in mesh.configs.of("EnvoyFilter")
        if filter_.namespace in (root, proxy.namespace) and _selects(filter_, proxy)
    ]
    ordered = sorted(chosen, key=lambda f: (f.spec.get("priority") or 0, f.namespace != root, f.created, f.name))
    entries = (entry for filter_ in ordered for entry in filter_.spec.get("configPatches") or ())
    return Patches(tuple(e for e in entries if e.get("applyTo") == "CLUSTER" and e.get("patch") and _is_meant(e)))


def _selects(config: Config, proxy: Proxy) -> bool:
    by_reference = config.spec.get("targetRefs") or ()
    return not by_reference and selects((config.spec.get("workloadSelector") or {}).get("labels"), proxy.labels)


def _is_meant(entry: Mapping[str, Any]) -> bool:
    """Whether a patch is for proxies of this version; none states the metadata that a patch may ask for."""
    proxy = (entry.get("match") or {}).get("proxy") or {}
    return not proxy.get("metadata") and bool(re.search(proxy.get("proxyVersion") or "", VERSION))


def _matches(entry: Mapping[str, Any], name: str, context: Context, hosts: Sequence[str]) -> bool:
    match = entry.get("match") or {}
    if Context(match.get("context") or "ANY") not in (Context.ANY, context):
        return False
    wanted = match.get("cluster") or {}
    if wanted.get("name"):
        return bool(wanted["name"] == name)
    return _parts_match(wanted, name, hosts)


def _parts_match(wanted: Mapping[str, Any], name: str, hosts: Sequence[str]) -> bool:
    found = _NAME.match(name)
    parts = found.groupdict() if found else {"direction": "", "port": "", "subset": "", "host": ""}
    served = hosts if parts["direction"] == "inbound" and hosts else (parts["host"],)
    return (
        (not wanted.get("subset") or wanted["subset"] == parts["subset"])
        and (not wanted.get("service") or wanted["service"] in served)
        and (not wanted.get("portNumber") or str(wanted["portNumber"]) == parts["port"])
    )


def _fields(value: Any, inside: str = "") -> Any:
    """The value with the proto names of its fields, as protobuf JSON accepts both spellings."""
    if isinstance(value, list):
        return [_fields(item) for item in value]
    if not isinstance(value, Mapping) or inside in _MAPS:
        return value if not isinstance(value, Mapping) else {key: _fields(item) for key, item in value.items()}
    return {name: _fields(item, name) for name, item in ((_snake(key), item) for key, item in value.items())}


def _snake(key: str) -> str:
    return key if key.startswith("@") or "." in key else re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _merged_cluster(cluster: Json, patch: Json) -> Json:
    """A patch of the transport socket goes into the socket of that name and leaves the rest alone (Istio)."""
    socket = patch.get("transport_socket")
    if socket is None:
        return _merged(cluster, patch)
    matches = cluster.get("transport_socket_matches") or []
    if matches:
        return cluster | {"transport_socket_matches": _merged_matches(matches, socket)}
    own = cluster.get("transport_socket") or {}
    same = own.get("name") == socket.get("name")
    config = _merged(own.get("typed_config") or {}, socket.get("typed_config") or {}) if same else {}
    return cluster | {"transport_socket": own | {"typed_config": config} if same else socket}


def _merged_matches(matches: Sequence[Json], socket: Json) -> list[Json]:
    index = next((i for i, m in enumerate(matches) if m["transport_socket"]["name"] == socket.get("name")), None)
    if index is None:
        return list(matches)
    own = matches[index]["transport_socket"]
    config = _merged(own.get("typed_config") or {}, socket.get("typed_config") or {})
    changed = matches[index] | {"transport_socket": own | {"typed_config": config}}
    return [*matches[:index], changed, *matches[index + 1 :]]


def _merged(target: Json, patch: Json) -> Json:
    """Protobuf's merge: messages field by field, lists appended, an Any or an entry of a map replaced."""
    result = dict(target)
    for name, value in patch.items():
        if value is None or value is False or (isinstance(value, str) and value in _UNSET_ENUMS):
            continue
        rivals = next((group - {name} for group in _ONE_OF if name in group), set())
        for rival in rivals:
            result.pop(rival, None)
        result[name] = _merged_field(result.get(name), value, name)
    return result


def _merged_field(old: Any, new: Any, name: str) -> Any:
    if isinstance(new, list):
        return [*(old or []), *new]
    if not isinstance(new, Mapping) or not isinstance(old, Mapping) or "@type" in new:
        return new
    if name in _MAPS:
        return {**old, **new}
    return _merged(dict(old), dict(new))
