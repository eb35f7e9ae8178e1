"""Tracing of requests: sampling and the tags that say which workload handled them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, message
from meshctl.sandbox.xds.proxy import Proxy

_DRY_RUN = {
    "allow_policy.name": "allow_shadow_effective_policy_id",
    "allow_policy.result": "allow_shadow_engine_result",
    "deny_policy.name": "deny_shadow_effective_policy_id",
    "deny_policy.result": "deny_shadow_engine_result",
}


def tracing(settings: MeshConfig, proxy: Proxy) -> Json | None:
    """`tracing` of a connection manager; None if the mesh has it off (`enableTracing`, on by default)."""
    if not settings.raw.get("enableTracing", True):
        return None
    own: Mapping[str, Any] = (settings.raw.get("defaultConfig") or {}).get("tracing") or {}
    return message(
        client_sampling={"value": 100.0},
        overall_sampling={"value": 100.0},
        random_sampling=_sampling(own.get("sampling")),
        custom_tags=sorted(_tags(settings, proxy, own), key=lambda tag: str(tag["tag"])),
        max_path_tag_length=own.get("maxPathTagLength") or None,
    )


def _sampling(percent: float | None) -> Json:
    """Nothing is sampled unless the mesh says how much: no collector runs here (PILOT_TRACE_SAMPLING=0)."""
    if not percent:
        return {}
    return {"value": 1.0 if percent > 100 else float(percent)}


def _tags(settings: MeshConfig, proxy: Proxy, own: Mapping[str, Any]) -> list[Json]:
    tags = [_custom_tag(name, tag) for name, tag in (own.get("customTags") or {}).items()]
    if own.get("enableIstioTags", True):
        tags += [_literal(name, value) for name, value in _workload(settings, proxy).items()]
        tags += [_dry_run(name, key) for name, key in _DRY_RUN.items()]
    return tags


def _workload(settings: MeshConfig, proxy: Proxy) -> dict[str, str]:
    labels = proxy.labels
    mesh_id = (settings.raw.get("defaultConfig") or {}).get("meshId")
    return {
        "istio.canonical_revision": labels.get("service.istio.io/canonical-revision") or "latest",
        "istio.canonical_service": labels.get("service.istio.io/canonical-name") or "unknown",
        "istio.cluster_id": proxy.cluster or "unknown",
        "istio.mesh_id": mesh_id or "unknown",
        "istio.namespace": proxy.namespace or "default",
    }


def _literal(name: str, value: str) -> Json:
    return {"tag": name, "literal": {"value": value}}


def _dry_run(name: str, key: str) -> Json:
    """Set only by AuthorizationPolicies that are tried out."""
    path = [{"key": f"istio_dry_run_{key}"}]
    metadata_key = {"key": "envoy.filters.http.rbac", "path": path}
    return {
        "tag": f"istio.authorization.dry_run.{name}",
        "metadata": {"kind": {"request": {}}, "metadata_key": metadata_key},
    }


def _custom_tag(name: str, tag: Mapping[str, Any]) -> Json:
    literal, header, environment = (tag.get(kind) for kind in ("literal", "header", "environment"))
    if literal is not None:
        return _literal(name, literal.get("value") or "")
    kind, source = ("request_header", header) if header is not None else ("environment", environment or {})
    return {
        "tag": name,
        kind: message(name=source.get("name"), default_value=source.get("defaultValue")),
    }
