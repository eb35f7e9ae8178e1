"""Which parts of DestinationRules decide where requests go, for one host, port and subset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshctl.predict.balancing import DEFAULT_MAX_EJECTION_PERCENT, Policy

Rule = Mapping[str, Any]
Fields = Mapping[str, Any]

EXPLICIT_TLS = ("DISABLE", "SIMPLE", "MUTUAL")


@dataclass(frozen=True, slots=True)
class Routing:
    """The effective settings: Istio's `localityLbSetting`, `outlierDetection` and TLS mode, and the subset's labels."""

    setting: Fields = field(default_factory=dict)
    outlier: Fields | None = None
    tls_mode: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Whether locality load balancing is on (the mesh's default)."""
        return bool(self.setting.get("enabled", True))

    @property
    def locality_weighted(self) -> bool:
        """Whether the cluster carries `locality_weighted_lb_config` (Istio 1.31, cluster_traffic_policy.go)."""
        if not self.enabled:
            return False
        explicit = self.setting.get("failover") or self.setting.get("failoverPriority")
        return bool(self.setting.get("distribute") or (self.outlier is not None and explicit))

    @property
    def max_ejection_percent(self) -> int:
        """The ejection limit; 0 without outlierDetection."""
        if self.outlier is None:
            return 0
        return int(self.outlier.get("maxEjectionPercent") or DEFAULT_MAX_EJECTION_PERCENT)

    def policy(self) -> Policy:
        """What Envoy's arithmetic needs; minHealthPercent becomes the panic threshold."""
        percent = int((self.outlier or {}).get("minHealthPercent") or 0)
        return Policy(self.locality_weighted, percent)


def routing(rules: Iterable[Rule], host: str, port: int, subset: str = "") -> Routing:
    """The effective settings of the DestinationRules for a host such as `reviews.istio.svc.cluster.local`.

    The most specific host wins; a subset's settings win over the rule's, a port's over both, each as a whole.
    """
    rule = _most_specific(rules, host)
    if rule is None:
        return Routing()
    spec = rule.get("spec") or {}
    chosen = _subset(spec, subset)
    fields = _merge(spec.get("trafficPolicy") or {}, chosen.get("trafficPolicy") or {})
    fields = _port_level(fields, port)
    return Routing(
        (fields.get("loadBalancer") or {}).get("localityLbSetting") or {},
        fields.get("outlierDetection"),
        (fields.get("tls") or {}).get("mode", ""),
        chosen.get("labels") or {},
    )


def _most_specific(rules: Iterable[Rule], host: str) -> Rule | None:
    matching = [rule for rule in rules if _matches(rule, host)]
    return max(matching, key=lambda rule: len(_host(rule)), default=None)


def _host(rule: Rule) -> str:
    host = str((rule.get("spec") or {}).get("host", ""))
    namespace = (rule.get("metadata") or {}).get("namespace", "default")
    return host if "." in host or "*" in host else f"{host}.{namespace}.svc.cluster.local"


def _matches(rule: Rule, host: str) -> bool:
    pattern = _host(rule)
    if pattern.startswith("*"):
        return host.endswith(pattern[1:])
    return pattern == host


def _subset(spec: Fields, name: str) -> Fields:
    subsets: Sequence[Fields] = spec.get("subsets") or []
    return next((subset for subset in subsets if name and subset.get("name") == name), {})


def _merge(whole: Fields, part: Fields) -> Fields:
    ports = {item["port"]["number"]: item for item in whole.get("portLevelSettings") or []}
    ports |= {item["port"]["number"]: item for item in part.get("portLevelSettings") or []}
    return {**whole, **part, "portLevelSettings": list(ports.values())}


def _port_level(fields: Fields, port: int) -> Fields:
    levels: Sequence[Fields] = fields.get("portLevelSettings") or []
    return next((level for level in levels if level["port"]["number"] == port), fields)
