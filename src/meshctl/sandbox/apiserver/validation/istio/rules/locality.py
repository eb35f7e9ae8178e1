"""Rules of locality load balancing."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, warning

_TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone")


def locality(setting: Record | None, outlier: Record | None) -> Problems:
    """`localityLbSetting`; a conflict or a bad weight ends the check."""
    if setting is None:
        return
    conflict = list(_conflict(setting))
    if conflict:
        yield conflict[0]
        return
    for rule in setting.distribute:
        weights = list(_weights(rule))
        if weights:
            yield weights[0]
            return
        # istiod looks at `to` in a random order, and so refuses an overlap only sometimes
        yield from _overlap(sorted(rule.to, key=_narrowness))
    yield from _overlap([rule["from"] for rule in setting.distribute])
    yield from _without_outlier(setting, outlier)
    for failover in setting.failover:
        yield from _regions(failover["from"], failover.to)


def zone_aware(setting: Record | None, outlier: Record | None) -> Problems:
    """`zoneAwareLbSetting`."""
    if setting is None:
        return
    for label in setting.failoverPriority:
        if label in _TOPOLOGY:
            reason = "region- and zone-level routing are handled automatically"
            yield error(f"'failover_priority' for zone aware lb must not use topology label '{label}'; {reason}")
    yield from _without_outlier(setting, outlier)
    for failover in setting.failover:
        yield from _regions(failover["from"], failover.to)


def _conflict(setting: Record) -> Problems:
    if setting.distribute and setting.failover:
        yield error("can not simultaneously specify 'distribute' and 'failover'")
    for label in setting.failoverPriority if setting.failover else ():
        if label in _TOPOLOGY:
            yield error(f"can not simultaneously set 'failover' and topology label '{label}' in 'failover_priority'")


def _weights(rule: Record) -> Problems:
    if any(not 0 < weight <= 100 for weight in rule.to.values()):
        yield error("locality weight must be in range [1, 100]")
    total = sum(rule.to.values())
    if total != 100:
        yield error(f"total locality weight {total} != 100")


def _without_outlier(setting: Record, outlier: Record | None) -> Problems:
    if (setting.failover or setting.failoverPriority) and outlier is None:
        yield warning("outlier detection policy must be provided for failover")


def _regions(source: str, target: str) -> Problems:
    if source == target:
        yield error("locality lb failover settings must specify different regions")
    if "/" in source or "/" in target:
        yield error("locality lb failover only specify region")
    if "*" in source or "*" in target:
        yield error("locality lb failover region should not contain '*' wildcard")


def _narrowness(name: str) -> int:
    return len(_segments(name))


def _segments(name: str) -> tuple[str, ...]:
    """Region, zone and the rest, without what covers everything."""
    parts = tuple(name.split("/", 2))
    while parts and parts[-1] == "*":
        parts = parts[:-1]
    return parts


def _overlap(names: Sequence[str]) -> list[Problem]:
    """The first locality that is malformed, or covered by one before it."""
    earlier: list[str] = []
    for name in names:
        if name.count("*") > 1 or ("*" in name and not name.endswith("*")):
            return [error(f"locality {name} wildcard '*' number can not exceed 1 and must be in the end")]
        if "*" not in earlier and not all(name.split("/", 2)):
            return [error(f"locality {name} must not contain empty region/zone/subzone info")]
        if any(_covers(each, name) for each in earlier):
            return [error(f"locality {name} overlap with previous specified ones")]
        earlier.append(name)
    return []


def _covers(earlier: str, name: str) -> bool:
    wide, narrow = _segments(earlier), _segments(name)
    if narrow[: len(wide)] == wide:
        return True
    # a bare region after one of its zones is refused, `region/*` is not
    return not name.endswith("*") and wide[: len(narrow)] == narrow
