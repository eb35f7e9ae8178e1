"""Which DestinationRule a proxy obeys for a host, and what it says about one port and subset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from meshctl.predict.mesh import ROOT_NAMESPACE

Rule = Mapping[str, Any]
Fields = Mapping[str, Any]

PUBLIC, PRIVATE = "*", "."
POLICY_FIELDS = ("connectionPool", "loadBalancer", "outlierDetection", "tls")


def applicable(rules: Iterable[Rule], host: str, namespace: str, labels: Mapping[str, str]) -> Rule | None:
    """The rule for a host such as `reviews.istio.svc.cluster.local` in the eyes of proxies of a namespace.

    First hit wins: rules of their own namespace (in the root namespace only its private ones), those that the
    service's namespace exports, those of the root namespace (Istio 1.31, model/push_context.go).
    """
    known = list(rules)
    for pool in _pools(known, namespace, host.split(".")[1]):
        found = _most_specific(pool, host)
        if found:
            return _selected(found, labels)
    return None


def full_host(rule: Rule) -> str:
    """The host that a rule means: one without a dot is of the rule's own namespace."""
    host = str((rule.get("spec") or {}).get("host", ""))
    return host if "." in host or PUBLIC in host else f"{host}.{namespace_of(rule)}.svc.cluster.local"


def covers(rule: Rule, host: str) -> bool:
    """Whether a rule is about a host."""
    pattern = full_host(rule)
    return host.endswith(pattern[1:]) if pattern.startswith(PUBLIC) else pattern == host


def namespace_of(rule: Rule) -> str:
    """Where a rule lives."""
    return str((rule.get("metadata") or {}).get("namespace") or "default")


def name_of(rule: Rule) -> str:
    """What it is called."""
    return str((rule.get("metadata") or {}).get("name", "?"))


def policy(spec: Fields, subset: str, port: int) -> Fields:
    """The traffic policy of a port and subset (Istio MergeSubsetTrafficPolicy).

    A port's entry replaces the destination's policy, nothing is inherited. A subset's own fields override one by
    one, those of its port's entry all together.
    """
    merged = {key: value for key, value in _at_port(spec.get("trafficPolicy"), port).items() if key in POLICY_FIELDS}
    own = subset_of(spec, subset).get("trafficPolicy")
    if own is None:
        return merged
    fields, whole = _at_port(own, port), _port_level(own, port) is not None
    changed = {key: fields.get(key) for key in POLICY_FIELDS if whole or fields.get(key) is not None}
    return {key: value for key, value in (merged | changed).items() if value is not None}


def tls_mode(spec: Fields, subset: str, port: int) -> str:
    """The TLS mode that is asked for, of the subset if it has one; empty if none is (Istio mtls_checker.go)."""
    return _tls_mode(subset_of(spec, subset).get("trafficPolicy"), port) or _tls_mode(spec.get("trafficPolicy"), port)


def subset_of(spec: Fields, name: str) -> Fields:
    """A subset by its name; empty if there is none."""
    subsets: Sequence[Fields] = spec.get("subsets") or []
    return next((subset for subset in subsets if name and subset.get("name") == name), {})


def _pools(rules: Sequence[Rule], namespace: str, service_namespace: str) -> Iterator[list[Rule]]:
    if namespace == ROOT_NAMESPACE:
        yield [r for r in rules if namespace_of(r) == namespace and _audience(r) in ({PRIVATE}, {namespace})]
    else:
        yield [r for r in rules if namespace_of(r) == namespace and _is_for(r, PRIVATE, namespace)]
    for owner in (service_namespace, ROOT_NAMESPACE):
        yield [r for r in rules if namespace_of(r) == owner and _is_for(r, namespace) and not _is_private(r)]


def _audience(rule: Rule) -> set[str]:
    spec = rule.get("spec") or {}
    return {PRIVATE} if spec.get("workloadSelector") else set(spec.get("exportTo") or ())


def _is_for(rule: Rule, *namespaces: str) -> bool:
    audience = _audience(rule)
    return not audience or bool(audience & {PUBLIC, *namespaces})


def _is_private(rule: Rule) -> bool:
    return _audience(rule) in ({PRIVATE}, {namespace_of(rule)})


def _most_specific(rules: Iterable[Rule], host: str) -> list[Rule]:
    matching = [rule for rule in rules if covers(rule, host)]
    longest = max(map(_specificity, matching), default=(False, 0))
    return [rule for rule in matching if _specificity(rule) == longest]


def _specificity(rule: Rule) -> tuple[bool, int]:
    host = full_host(rule)
    return not host.startswith(PUBLIC), len(host)


def _selected(rules: Sequence[Rule], labels: Mapping[str, str]) -> Rule | None:
    """A rule that selects this very workload, else those without a selector, as one."""
    plain = []
    for rule in rules:
        selector = (rule.get("spec") or {}).get("workloadSelector")
        if selector is None:
            plain.append(rule)
        elif (selector.get("matchLabels") or {}).items() <= labels.items():
            return rule
    # Rules for different audiences stay apart; the last one counts.
    audience = _audience(plain[-1]) if plain else set()
    return _merged([rule for rule in plain if _audience(rule) == audience]) if plain else None


def _merged(rules: Sequence[Rule]) -> Rule:
    """The oldest's policy, and all subsets, the first of each name (Istio model/destination_rule.go)."""
    specs = [rule.get("spec") or {} for rule in rules]
    subsets: dict[str, Fields] = {}
    for spec in specs:
        for subset in spec.get("subsets") or ():
            subsets.setdefault(subset.get("name", ""), subset)
    stated: Fields = next((spec["trafficPolicy"] for spec in specs if spec.get("trafficPolicy")), {})
    return {**rules[0], "spec": {**specs[0], "subsets": list(subsets.values()), "trafficPolicy": stated}}


def _port_level(fields: Fields, port: int) -> Fields | None:
    entries: Sequence[Fields] = fields.get("portLevelSettings") or ()
    return next((entry for entry in entries if (entry.get("port") or {}).get("number") == port), None)


def _at_port(fields: Fields | None, port: int) -> Fields:
    entry = _port_level(fields or {}, port)
    return (fields or {}) if entry is None else entry


def _tls_mode(fields: Fields | None, port: int) -> str:
    entry = _port_level(fields or {}, port) or {}
    tls = entry.get("tls") if entry.get("tls") is not None else (fields or {}).get("tls")
    return "" if tls is None else tls.get("mode") or "DISABLE"
