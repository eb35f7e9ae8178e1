"""What people get wrong in locality rules, found before they are applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshctl.locality import matches
from meshctl.predict.balancing import may_eject, unique
from meshctl.predict.endpoints import table
from meshctl.predict.flow import Prediction
from meshctl.predict.mesh import BOOKINFO, BOOKINFO_PORT, Mesh, fqdn
from meshctl.predict.policy import Rule, routing


def warnings(mesh: Mesh, rules: Sequence[Rule]) -> list[str]:
    """A sentence for each thing that a rule says but can't do, or does but people don't expect."""
    found: list[str] = []
    for rule in rules:
        name = (rule.get("metadata") or {}).get("name", "?")
        for settings in _policies(rule.get("spec") or {}):
            found += [f"DestinationRule {name}: {text}" for text in _of_settings(mesh, settings)]
    for service in BOOKINFO:
        found += _of_service(mesh, service, rules)
    return list(dict.fromkeys(found))


def of_prediction(client: str, service: str, found: Prediction) -> list[str]:
    """A sentence for each east-west gateway that a client ejects, or may eject, for the sake of others behind it."""
    left = "; nothing is left, every request is a 503 UH" if found.failed == 1 and not found.client.shares else ""
    return [
        *(f"{service} from {client}: {_gateway(name, 'is', pods)}{left}" for name, pods in found.lost.items()),
        *(f"{service} from {client}: {_gateway(name, 'may be', pods)}" for name, pods in found.endangered.items()),
    ]


def _gateway(cluster: str, how: str, pods: Sequence[str]) -> str:
    return (
        f"the east-west gateway of {cluster} {how} ejected itself for failing pods that it offers, so that "
        f"{', '.join(pods)} behind it {'gets' if len(pods) == 1 else 'get'} nothing; a distribute entry from its "
        "locality to itself keeps a gateway to its own pods"
    )


def _policies(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    parts = [spec, *(spec.get("subsets") or [])]
    for part in parts:
        policy = part.get("trafficPolicy")
        if policy:
            yield policy
            yield from policy.get("portLevelSettings") or []


def _of_settings(mesh: Mesh, settings: Mapping[str, Any]) -> Iterator[str]:
    locality = (settings.get("loadBalancer") or {}).get("localityLbSetting") or {}
    outlier = settings.get("outlierDetection")
    if (locality.get("failover") or locality.get("failoverPriority")) and outlier is None:
        yield "failover without outlierDetection does nothing; add outlierDetection"
    if outlier is not None and "consecutiveErrors" in outlier:
        yield "consecutiveErrors is ignored; consecutive5xxErrors counts"
    if locality.get("distribute") and locality.get("failover"):
        yield "distribute and failover exclude each other; Istio refuses the rule"
    for entry in locality.get("distribute") or []:
        yield from _of_distribute(mesh, entry)
    for entry in locality.get("failover") or []:
        yield from _of_failover(mesh, entry)


def _of_distribute(mesh: Mesh, entry: Mapping[str, Any]) -> Iterator[str]:
    source, targets = str(entry.get("from", "")), entry.get("to") or {}
    total = sum(int(weight) for weight in targets.values())
    if total != 100:
        yield f"the weights from {source} sum to {total}; Istio accepts only 100"
    if not any(matches(cluster.locality_text, source) for cluster in mesh.clusters):
        yield f"no cluster is in {source}, so its distribute entry never applies"
    for pattern, weight in targets.items():
        if not any(matches(cluster.locality_text, pattern) for cluster in mesh.clusters):
            yield f"no cluster is in {pattern}: its {weight} % go to the others"
    for cluster in mesh.clusters:
        if matches(cluster.locality_text, source) and not any(matches(cluster.locality_text, to) for to in targets):
            yield (
                f"{cluster.locality_text} itself gets nothing from {source}; its east-west gateway loses its own pods "
                "too, so requests from other networks that choose it find none there"
            )


def _of_failover(mesh: Mesh, entry: Mapping[str, Any]) -> Iterator[str]:
    regions = {cluster.locality[0] for cluster in mesh.clusters}
    for end in ("from", "to"):
        region = entry.get(end)
        if region and region not in regions:
            yield f"failover {end} {region}: no cluster is in that region; there are {', '.join(sorted(regions))}"


def _of_service(mesh: Mesh, service: str, rules: Sequence[Rule]) -> Iterator[str]:
    settings = routing(rules, fqdn(service), BOOKINFO_PORT)
    if settings.outlier is None:
        return
    for cluster in mesh.clusters:
        groups = unique(table(mesh, mesh.sidecar(cluster.name), service, BOOKINFO_PORT, settings))
        hosts = sum(len(group.endpoints) for group in groups)
        limit = settings.max_ejection_percent
        if hosts and not may_eject(hosts, 0, limit):
            yield (
                f"{service}: maxEjectionPercent {limit} of {hosts} hosts forbids any ejection (Envoy from 1.28); "
                f"it must be at least {-(-100 // hosts)}, 100 is simplest"
            )
            return
