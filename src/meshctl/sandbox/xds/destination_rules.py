"""DestinationRules by host: which of them a proxy obeys, and how several for one host become one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.hosts import PRIVATE, PUBLIC, is_wildcard, resolve, specificity, subset_of
from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.service import Labels, Service


@dataclass(frozen=True, slots=True)
class Rule:
    """The DestinationRules of one host and audience as one; name and policy are the oldest's."""

    config: Config
    export_to: frozenset[str]

    @property
    def spec(self) -> Mapping[str, Any]:
        """The merged specification."""
        return self.config.spec

    @property
    def workload_labels(self) -> Labels | None:
        """Labels of the workloads that it is for; None means every client."""
        selector = self.spec.get("workloadSelector")
        return None if selector is None else selector.get("matchLabels") or {}

    def exported_to(self, namespace: str) -> bool:
        """Whether another namespace's proxies may use it."""
        return not self.export_to or PUBLIC in self.export_to or namespace in self.export_to


@dataclass(frozen=True, slots=True)
class HostRules:
    """Rules by host, the wildcards apart, longest first."""

    exact: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    wildcards: tuple[tuple[str, tuple[Rule, ...]], ...] = ()

    def match(self, hostname: str) -> tuple[Rule, ...] | None:
        """The rules of the most specific host that covers `hostname`; None if no host does."""
        if hostname in self.exact:
            return self.exact[hostname]
        return next((rules for host, rules in self.wildcards if subset_of(hostname, host)), None)


@dataclass(frozen=True, slots=True)
class DestinationRules:
    """Every DestinationRule, indexed by its own namespace (Istio model/push_context.go)."""

    root_namespace: str = "istio-system"
    local: Mapping[str, HostRules] = field(default_factory=dict)
    exported: Mapping[str, HostRules] = field(default_factory=dict)
    root_private: HostRules = field(default_factory=HostRules)

    def visible(self, service: Service, namespace: str) -> tuple[Rule, ...]:
        """The rules for a service as proxies of `namespace` find them.

        First hit wins: their own namespace's (in the root namespace only its private ones), those that the
        service's namespace exports, those that the root namespace exports.
        """
        own = self.root_private if namespace == self.root_namespace else self.local.get(namespace)
        found = own.match(service.hostname) if own else None
        if found is not None:
            return found
        for owner in (service.namespace, self.root_namespace):
            rules = self.exported[owner].match(service.hostname) if owner in self.exported else None
            exported = tuple(rule for rule in rules or () if rule.exported_to(namespace))
            if exported:
                return exported
        return ()


def index(configs: Iterable[Config], mesh: MeshConfig) -> DestinationRules:
    """Index DestinationRules that come oldest first."""
    pools: dict[tuple[str, str], dict[str, list[Rule]]] = {}
    for rule in sorted(map(_rule, configs), key=lambda rule: rule.workload_labels is None):
        for pool in _pools(rule, mesh):
            _merge_into(pools.setdefault((pool, rule.config.namespace), {}), rule)
    return DestinationRules(
        root_namespace=mesh.root_namespace,
        local={ns: _by_host(rules) for (pool, ns), rules in pools.items() if pool == "local"},
        exported={ns: _by_host(rules) for (pool, ns), rules in pools.items() if pool == "exported"},
        root_private=_by_host(pools.get(("root", mesh.root_namespace), {})),
    )


def select(rules: Iterable[Rule], labels: Labels | None, namespace: str) -> Rule | None:
    """The rule for a workload: one of its namespace that selects it, else the last without selector.

    `labels` None stands for a server, for which rules with a selector do not count.
    """
    fallback = None
    for rule in rules:
        wanted = rule.workload_labels
        if wanted is None:
            fallback = rule
        elif labels is not None and rule.config.namespace == namespace and selects(wanted, labels):
            return rule
    return fallback


def _rule(config: Config) -> Rule:
    spec = {**config.spec, "host": resolve(config.spec.get("host") or "", config.namespace)}
    audience = {PRIVATE} if "workloadSelector" in spec else spec.get("exportTo") or ()
    return Rule(replace(config, spec=spec), frozenset(audience))


def _pools(rule: Rule, mesh: MeshConfig) -> Iterator[str]:
    audience, namespace = rule.export_to, rule.config.namespace
    if not audience or audience & {PUBLIC, PRIVATE, namespace}:
        yield "local"
    private_by_default = not audience and PRIVATE in mesh.destination_rule_export_to
    if not private_by_default and audience not in ({PRIVATE}, {namespace}):
        yield "exported"
    elif namespace == mesh.root_namespace:
        yield "root"


def _merge_into(hosts: dict[str, list[Rule]], rule: Rule) -> None:
    """Add a rule, merged with the older ones of its host and audience (Istio model/destination_rule.go)."""
    known = hosts.setdefault(rule.spec["host"], [])
    alone = True
    for position, older in enumerate(known):
        superset = bool(older.export_to) and rule.export_to >= older.export_to
        alone = rule.export_to != older.export_to
        if alone and not superset:
            continue
        selectors = (older.workload_labels, rule.workload_labels)
        if None not in selectors and selectors[0] != selectors[1]:
            alone = True
            continue
        if selectors[0] == selectors[1]:
            alone = False
        known[position] = _merged(older, rule)
    if alone:
        known.append(rule)


def _merged(older: Rule, newer: Rule) -> Rule:
    """The older rule with the subsets that only the newer has, and its policy if the older has none."""
    subsets = list(older.spec.get("subsets") or ())
    names = {subset["name"] for subset in subsets}
    subsets += [subset for subset in newer.spec.get("subsets") or () if subset["name"] not in names]
    policy = older.spec.get("trafficPolicy") or newer.spec.get("trafficPolicy")
    spec = {**older.spec, "subsets": subsets} | ({"trafficPolicy": policy} if policy else {})
    return replace(older, config=replace(older.config, spec=spec))


def _by_host(rules: Mapping[str, list[Rule]]) -> HostRules:
    wildcards = sorted(filter(is_wildcard, rules), key=specificity)
    return HostRules(
        exact={host: tuple(found) for host, found in rules.items()},
        wildcards=tuple((host, tuple(rules[host])) for host in wildcards),
    )
