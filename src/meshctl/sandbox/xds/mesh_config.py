"""The mesh-wide settings (`meshConfig`) that shape Envoy's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds.hosts import DOMAIN, PUBLIC


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """`meshConfig` with Istio's defaults; `raw` has every field as it was written."""

    trust_domain: str = "cluster.local"
    trust_domain_aliases: tuple[str, ...] = ()
    root_namespace: str = "istio-system"
    domain: str = DOMAIN
    discovery_host: str = "istiod.istio-system.svc"
    auto_mtls: bool = True
    access_log_file: str = ""
    outbound_mode: str = "ALLOW_ANY"
    connect_timeout: str = "10s"
    tcp_keepalive: Mapping[str, Any] | None = None
    h2_upgrade: bool = False
    locality_lb: Mapping[str, Any] | None = None
    service_export_to: tuple[str, ...] = (PUBLIC,)
    virtual_service_export_to: tuple[str, ...] = (PUBLIC,)
    destination_rule_export_to: tuple[str, ...] = (PUBLIC,)
    service_settings: tuple[Mapping[str, Any], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


def parse(raw: Mapping[str, Any]) -> MeshConfig:
    """Settings from the YAML of `meshConfig`."""
    default = MeshConfig()
    return MeshConfig(
        trust_domain=raw.get("trustDomain") or default.trust_domain,
        trust_domain_aliases=tuple(raw.get("trustDomainAliases") or ()),
        root_namespace=raw.get("rootNamespace") or default.root_namespace,
        discovery_host=_discovery_host(raw) or default.discovery_host,
        auto_mtls=raw.get("enableAutoMtls", True),
        access_log_file=raw.get("accessLogFile") or "",
        outbound_mode=(raw.get("outboundTrafficPolicy") or {}).get("mode", default.outbound_mode),
        connect_timeout=raw.get("connectTimeout") or default.connect_timeout,
        tcp_keepalive=raw.get("tcpKeepalive"),
        h2_upgrade=raw.get("h2UpgradePolicy") == "UPGRADE",
        locality_lb=raw.get("localityLbSetting"),
        service_export_to=tuple(raw.get("defaultServiceExportTo") or default.service_export_to),
        virtual_service_export_to=tuple(raw.get("defaultVirtualServiceExportTo") or default.virtual_service_export_to),
        destination_rule_export_to=tuple(
            raw.get("defaultDestinationRuleExportTo") or default.destination_rule_export_to
        ),
        service_settings=tuple(raw.get("serviceSettings") or ()),
        raw=raw,
    )


def _discovery_host(raw: Mapping[str, Any]) -> str:
    address: str = (raw.get("defaultConfig") or {}).get("discoveryAddress") or ""
    return address.rsplit(":", 1)[0]
