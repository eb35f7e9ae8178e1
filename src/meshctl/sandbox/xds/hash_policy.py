"""Consistent hashing: what of a request or connection picks the host, from DestinationRules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.xds import duration
from meshctl.sandbox.xds.message import Json, message

Fields = Mapping[str, Any]


def of_service(rule: Fields, port: int) -> Json | None:
    """For a route without VirtualService: the port's consistent hash, else the destination's."""
    policy = rule.get("trafficPolicy") or {}
    return hash_policy(_of_port(policy, port) or _consistent_hash(policy))


def of_destination(rule: Fields, destination: Fields) -> Json | None:
    """For a VirtualService's destination: the subset's port, the subset, the port, then the whole.

    Ports count only where the destination names one (Istio core/route/route.go).
    """
    policy = rule.get("trafficPolicy") or {}
    subset = _subset(rule, destination.get("subset") or "").get("trafficPolicy") or {}
    port = (destination.get("port") or {}).get("number")
    candidates = (
        _of_port(subset, port),
        _consistent_hash(subset),
        _of_port(policy, port),
        _consistent_hash(policy),
    )
    return hash_policy(next((found for found in candidates if found is not None), None))


def of_connection(rule: Fields | None, subset: str) -> list[Json]:
    """For a TCP proxy: `useSourceIp` alone, of the subset if it has a load balancer, else of the whole."""
    if rule is None:
        return []
    balancer = (_subset(rule, subset).get("trafficPolicy") or {}).get("loadBalancer")
    if balancer is None:
        balancer = (rule.get("trafficPolicy") or {}).get("loadBalancer") or {}
    by_source = (balancer.get("consistentHash") or {}).get("useSourceIp")
    return [{"source_ip": {}}] if by_source else []


def hash_policy(consistent_hash: Fields | None) -> Json | None:
    """Envoy's RouteAction.HashPolicy of a `consistentHash`; None if it names no key."""
    if not consistent_hash:
        return None
    if consistent_hash.get("httpHeaderName") is not None:
        return {"header": {"header_name": consistent_hash["httpHeaderName"]}}
    if consistent_hash.get("httpCookie") is not None:
        return {"cookie": _cookie(consistent_hash["httpCookie"])}
    if "useSourceIp" in consistent_hash:
        by_source = consistent_hash["useSourceIp"]
        return {"connection_properties": {"source_ip": True} if by_source else {}}
    if consistent_hash.get("httpQueryParameterName") is not None:
        return {"query_parameter": {"name": consistent_hash["httpQueryParameterName"]}}
    return None


def _cookie(cookie: Fields) -> Json:
    attributes = [message(name=a.get("name"), value=a.get("value")) for a in cookie.get("attributes") or ()]
    return message(
        name=cookie.get("name"),
        ttl=duration.proto(cookie.get("ttl")),
        path=cookie.get("path"),
        attributes=attributes,
    )


def _consistent_hash(policy: Fields) -> Fields | None:
    found: Fields | None = (policy.get("loadBalancer") or {}).get("consistentHash")
    return found


def _of_port(policy: Fields, port: int | None) -> Fields | None:
    """The consistent hash of the port's own settings; the first entry of a port counts."""
    settings: Iterable[Fields] = policy.get("portLevelSettings") or ()
    own = (entry for entry in settings if (entry.get("port") or {}).get("number") == port)
    first = next(own, None) if port is not None else None
    return None if first is None else _consistent_hash(first)


def _subset(rule: Fields, name: str) -> Fields:
    subsets: Iterable[Fields] = rule.get("subsets") or ()
    return next((subset for subset in subsets if subset.get("name") == name), {})
