"""The settings of a cluster that decide where its requests go: of one host, port and subset, for one kind of proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from meshctl import locality
from meshctl.locality import Setting
from meshctl.predict import destination_rule
from meshctl.predict.balancing import DEFAULT_MAX_EJECTION_PERCENT, Policy
from meshctl.predict.destination_rule import Fields, Rule
from meshctl.predict.mesh import NAMESPACE
from meshctl.predict.release import CURRENT, Release

__all__ = ["EXPLICIT_TLS", "Fields", "Routing", "Rule", "routing"]

EXPLICIT_TLS = ("DISABLE", "SIMPLE", "MUTUAL")


@dataclass(frozen=True, slots=True)
class Routing:
    """Istio's `loadBalancer` and `outlierDetection`, the stated TLS mode, the subset's labels, and whose rule it is."""

    balancer: Fields = field(default_factory=dict)
    outlier: Fields | None = None
    tls_mode: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    release: Release = CURRENT
    rule: str = ""

    @property
    def setting(self) -> Setting | None:
        """The locality setting in force; None if it is switched off."""
        found = locality.effective(self.balancer, "", None)
        if found is None or self.release.ranks_labels or "failoverPriority" not in found.spec:
            return found
        return Setting({key: value for key, value in found.spec.items() if key != "failoverPriority"})

    @property
    def ranks_labels(self) -> bool:
        """Whether endpoints' labels matter."""
        return bool(self.setting and self.setting.spec.get("failoverPriority"))

    @property
    def sends_unready(self) -> bool:
        """Whether pods that aren't ready are sent: not where a panic threshold would give them requests."""
        return self.release.sends_unready and not self.min_health_percent

    @property
    def min_health_percent(self) -> int:
        """minHealthPercent, the panic threshold that people ask for."""
        return int((self.outlier or {}).get("minHealthPercent") or 0)

    @property
    def locality_weighted(self) -> bool:
        """Whether the cluster carries `locality_weighted_lb_config` (Istio 1.31, cluster_traffic_policy.go)."""
        setting = self.setting
        if setting is None or not setting.enabled or setting.zone_aware:
            return False
        spec = setting.spec
        fails_over = self.outlier is not None or self.release.weighs_any_failover
        return bool(spec.get("distribute") or (fails_over and (spec.get("failover") or spec.get("failoverPriority"))))

    @property
    def max_ejection_percent(self) -> int:
        """The ejection limit; 0 without outlierDetection."""
        if self.outlier is None:
            return 0
        return int(self.outlier.get("maxEjectionPercent") or DEFAULT_MAX_EJECTION_PERCENT)

    def policy(self) -> Policy:
        """What Envoy's arithmetic needs."""
        panic = self.release.panic_percent if self.outlier is None else self.min_health_percent
        return Policy(self.locality_weighted, panic)


def routing(
    rules: Iterable[Rule],
    host: str,
    port: int,
    subset: str = "",
    namespace: str = NAMESPACE,
    labels: Mapping[str, str] | None = None,
    release: Release = CURRENT,
) -> Routing:
    """What the rules say about a host such as `reviews.istio.svc.cluster.local` to proxies of a namespace."""
    rule = destination_rule.applicable(rules, host, namespace, labels or {})
    if rule is None:
        return Routing(release=release)
    spec = rule.get("spec") or {}
    fields = destination_rule.policy(spec, subset, port)
    return Routing(
        fields.get("loadBalancer") or {},
        fields.get("outlierDetection"),
        destination_rule.tls_mode(spec, subset, port),
        destination_rule.subset_of(spec, subset).get("labels") or {},
        release,
        destination_rule.name_of(rule),
    )
