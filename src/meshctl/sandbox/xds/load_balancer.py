"""How a cluster chooses a host: `loadBalancer` of a DestinationRule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshctl.locality import TRAFFIC_DISTRIBUTIONS, Setting
from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, message

_DEFAULT_RING_SIZE = 1024
_WARMUP_AGGRESSION, _WARMUP_PERCENT = 1, 10
_POLICIES = {"ROUND_ROBIN": None, "RANDOM": "RANDOM"}
Settings = Mapping[str, Any]


def fields(settings: Settings) -> Json:
    """The cluster's fields: lb_policy (absent: Envoy's round robin) and the configuration of that policy."""
    consistent_hash = settings.get("consistentHash")
    if consistent_hash is not None:
        return _hashing(consistent_hash)
    simple = settings.get("simple") or "UNSPECIFIED"
    policy = _POLICIES.get(simple, "LEAST_REQUEST")
    if policy == "RANDOM":
        return {"lb_policy": policy}
    slow_start = _slow_start(settings)
    configuration = "least_request_lb_config" if policy else "round_robin_lb_config"
    return message(lb_policy=policy) | ({configuration: {"slow_start_config": slow_start}} if slow_start else {})


def _hashing(settings: Settings) -> Json:
    if settings.get("maglev") is not None:
        size = settings["maglev"].get("tableSize")
        return {"lb_policy": "MAGLEV"} | ({"maglev_lb_config": {"table_size": str(size)}} if size else {})
    if settings.get("ringHash") is not None:
        size = settings["ringHash"].get("minimumRingSize")
    else:
        size = settings.get("minimumRingSize") or _DEFAULT_RING_SIZE
    ring = {"ring_hash_lb_config": {"minimum_ring_size": str(size)}} if size else {}
    return {"lb_policy": "RING_HASH"} | ring


def _slow_start(settings: Settings) -> Json | None:
    warmup = settings.get("warmup")
    if warmup is None:
        window = settings.get("warmupDurationSecs")
        return None if window is None else {"slow_start_window": duration.proto(window)}
    aggression, percent = warmup.get("aggression"), warmup.get("minimumPercent")
    return message(
        slow_start_window=duration.proto(warmup.get("duration")),
        # The key is Istio's: one that no runtime layer has.
        aggression=message(
            default_value=(_WARMUP_AGGRESSION if aggression is None else aggression) or None, runtime_key="("
        ),
        min_weight_percent=message(value=(_WARMUP_PERCENT if percent is None else percent) or None),
    )


def common(locality: Setting | None, outliers: Settings | None, traffic_distribution: str = "") -> Json:
    """`common_lb_config`: panic is off unless minHealthPercent says otherwise, and how localities count.

    A Service's own traffic distribution needs unready endpoints to tell when to spill over: no panic there.
    """
    spills = traffic_distribution in TRAFFIC_DISTRIBUTIONS
    threshold = None if spills else (outliers or {}).get("minHealthPercent")
    return {"healthy_panic_threshold": message(value=threshold or None)} | _locality(locality, outliers is not None)


def _locality(setting: Setting | None, outliers: bool) -> Json:
    if setting is None:
        return {}
    if setting.zone_aware:
        return {"zone_aware_lb_config": _zone_aware(setting)}
    fails_over = outliers or setting.forced
    stated = setting.spec.get("failover") or setting.spec.get("failoverPriority")
    weighted = (fails_over and stated) or setting.spec.get("distribute")
    return {"locality_weighted_lb_config": {}} if weighted else {}


def _zone_aware(setting: Setting) -> Json:
    size = setting.spec.get("minClusterSize")
    return message(
        routing_enabled=None if setting.enabled else {},
        min_cluster_size=None if size is None else str(size),
    )
