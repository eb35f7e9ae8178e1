"""Rules of DestinationRules."""

from __future__ import annotations

from math import isqrt

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, errors_of, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names
from meshctl.sandbox.apiserver.validation.istio.rules.client_tls import client_tls
from meshctl.sandbox.apiserver.validation.istio.rules.connection_pool import connection_pool
from meshctl.sandbox.apiserver.validation.istio.rules.duration import duration
from meshctl.sandbox.apiserver.validation.istio.rules.locality import locality, zone_aware
from meshctl.sandbox.apiserver.validation.istio.rules.selector import workload_selector
from meshctl.sandbox.apiserver.validation.istio.rules.visibility import export_to

_MAGLEV_LIMIT = 5000011
_POLICY_PARTS = (
    "outlierDetection",
    "connectionPool",
    "loadBalancer",
    "tls",
    "portLevelSettings",
    "tunnel",
    "proxyProtocol",
    "retryBudget",
)


def destination_rule(rule: Record, namespace: str) -> Problems:
    """A DestinationRule's spec."""
    yield from names.wildcard_domain(rule.host)
    yield from _traffic_policy(rule.trafficPolicy, namespace)
    seen: set[str] = set()
    for subset in rule.subsets:
        if subset.name in seen:
            yield error(f"duplicate subset names: {subset.name}")
        seen.add(subset.name)
        yield from errors_of(_subset(subset, namespace))
    yield from export_to(namespace, rule.exportTo, selected=rule.workloadSelector is not None)
    yield from workload_selector(rule.workloadSelector)


def _subset(subset: Record, namespace: str) -> Problems:
    yield from subset_name(subset.name)
    yield from names.tags(subset.labels)
    yield from _traffic_policy(subset.trafficPolicy, namespace)


def subset_name(name: str) -> Problems:
    """The name of a subset."""
    if not name:
        yield error("subset name cannot be empty")
    elif not names.is_label(name):
        yield error(f"subset name is invalid: {name}")


def _traffic_policy(policy: Record | None, namespace: str) -> Problems:
    if policy is None:
        return
    if not any(policy.holds(part) for part in _POLICY_PARTS):
        yield error("traffic policy must have at least one field")
    elif policy.tunnel is not None and policy.proxyProtocol is not None:
        yield error("tunnel and proxyProtocol must not be set together")
    else:
        yield from _settings(policy, namespace)
        for port in policy.portLevelSettings:
            yield from errors_of(_port_policy(port, namespace))
        yield from _tunnel(policy.tunnel)
        yield from _proxy_protocol(policy.proxyProtocol)


def _settings(policy: Record, namespace: str) -> Problems:
    yield from _outlier_detection(policy.outlierDetection)
    yield from connection_pool(policy.connectionPool)
    yield from _load_balancer(policy.loadBalancer, policy.outlierDetection)
    yield from client_tls(policy.tls, namespace)


def _port_policy(policy: Record, namespace: str) -> Problems:
    if policy.port is None:
        yield error("portTrafficPolicy must have valid port")
    if not any(policy.holds(part) for part in _POLICY_PARTS[:4]):
        yield error("port traffic policy must have at least one field")
    else:
        yield from _settings(policy, namespace)


def _outlier_detection(outlier: Record | None) -> Problems:
    if outlier is None:
        return
    yield from duration(outlier.baseEjectionTime)
    if outlier.consecutiveErrors:
        wanted = "use consecutiveGatewayErrors or consecutive5xxErrors instead"
        yield warning(f"outlier detection consecutive errors is deprecated, {wanted}")
    if outlier.consecutiveLocalOriginFailures and not outlier.splitExternalLocalOriginErrors:
        given = "outlier detection consecutive local origin failures is specified"
        yield error(f"{given}, but split external local origin errors is set to false")
    yield from duration(outlier.interval)
    yield from _percent(outlier.maxEjectionPercent)
    yield from _percent(outlier.minHealthPercent)


def _percent(value: int) -> Problems:
    if not 0 <= value <= 100:
        yield error(f"percentage {value} is not in range 0..100")


def _load_balancer(settings: Record | None, outlier: Record | None) -> Problems:
    if settings is None:
        return
    if settings.consistentHash is not None:
        yield from _consistent_hash(settings.consistentHash)
    if settings.localityLbSetting is not None and settings.zoneAwareLbSetting is not None:
        yield error("only one of localityLbSetting and zoneAwareLbSetting can be set")
    yield from locality(settings.localityLbSetting, outlier)
    yield from zone_aware(settings.zoneAwareLbSetting, outlier)
    if settings.warmup is not None:
        yield from _warmup(settings.warmup)


def _consistent_hash(settings: Record) -> Problems:
    if settings.httpCookie is not None:
        yield from _cookie(settings.httpCookie)
    if settings.minimumRingSize:
        wanted = "use ConsistentHashLB's RingHash configuration instead"
        yield warning(f"consistent hash MinimumRingSize is deprecated, {wanted}")
        if settings.ringHash is not None or settings.maglev is not None:
            yield error("only one of MinimumRingSize or Maglev/Ringhash can be specified")
    if settings.maglev is not None:
        yield from _maglev(settings.maglev.tableSize)


def _cookie(cookie: Record) -> Problems:
    if not cookie.name:
        yield error("name required for HttpCookie")
    seen: set[str] = set()
    for attribute in cookie.attributes:
        if not attribute.name:
            yield error("cookie attribute name cannot be empty")
        elif attribute.name in seen:
            yield error(f"duplicate cookie attribute name: {attribute.name}")
        seen.add(attribute.name)


def _maglev(size: int) -> Problems:
    if not size:
        yield error("tableSize must be set for maglev")
    if size >= _MAGLEV_LIMIT:
        yield error(f"tableSize must be less than {_MAGLEV_LIMIT} for maglev")
    if not _is_prime(size):
        yield error("tableSize must be a prime number for maglev")


def _is_prime(number: int) -> bool:
    """Istio's notion, to which 1 is prime."""
    if 0 < number < 4:
        return True
    return number % 2 == 1 and all(number % factor for factor in range(3, isqrt(number) + 1, 2))


def _warmup(warmup: Record) -> Problems:
    if warmup.duration is None:
        yield error("duration is required")
    yield from duration(warmup.duration)
    if (warmup.minimumPercent or 0) > 100:
        yield error("minimumPercent value should be less than or equal to 100")
    if warmup.aggression is not None and warmup.aggression <= 0:
        yield error("aggression should be greater than 0")


def _tunnel(tunnel: Record | None) -> Problems:
    if tunnel is None:
        return
    if tunnel.protocol not in ("", "CONNECT", "POST"):
        yield error(f"tunnel protocol must be {quote('CONNECT')} or {quote('POST')}")
    no_name = [problem.text for problem in names.domain(tunnel.targetHost)]
    no_address = [problem.text for problem in names.address(tunnel.targetHost)]
    if no_name and no_address:
        yield error(f"tunnel target host must be valid FQDN or IP address: {no_name[0]}; {no_address[0]}")
    for problem in names.port(tunnel.targetPort):
        yield error(f"tunnel target port is invalid: {problem.text}")


def _proxy_protocol(settings: Record | None) -> Problems:
    if settings is not None and settings.version not in ("V1", "V2"):
        yield error(f"proxy protocol version is invalid: {settings.version}")
