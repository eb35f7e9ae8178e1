"""Rules of AuthorizationPolicies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, listed, prefixed, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names
from meshctl.sandbox.apiserver.validation.istio.rules.selector import attachment

_NEVER = (
    "action without `rules` is meaningless as it will never be triggered, "
    "add an empty rule `{}` if you want it be triggered for every request"
)
_TCP_BLIND = (
    "configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP "
    "attributes in a DENY rule; it is recommended to explicitly specify the port"
)
_UNFIT_FOR_CUSTOM = (
    *(
        "namespaces",
        "notNamespaces",
        "serviceAccounts",
        "notServiceAccounts",
        "trustDomains",
        "notTrustDomains",
    ),
    *("principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals"),
)
_IDENTITIES = ("principals", "notPrincipals", "namespaces", "notNamespaces")
_ADDRESSES = ("ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks")
_ACCOUNTS = ("serviceAccounts", "notServiceAccounts")
_SOURCE = (
    *("principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains"),
    *("ipBlocks", "remoteIpBlocks", "notPrincipals", "notRequestPrincipals", "notNamespaces"),
    *("notServiceAccounts", "notTrustDomains", "notIpBlocks", "notRemoteIpBlocks"),
)
_OPERATION = ("ports", "methods", "paths", "hosts", "notPorts", "notMethods", "notPaths", "notHosts")
_LITERAL = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+")


def authorization_policy(spec: Record, name: str, namespace: str) -> Problems:
    """An AuthorizationPolicy's spec."""
    return prefixed(_policy(spec), f"invalid policy {name}.{namespace}:")


def _policy(spec: Record) -> Problems:
    yield from attachment(spec)
    if spec.action == "CUSTOM":
        yield from _custom(spec)
    elif spec.provider is not None:
        yield error(f"`provider` must not be with non CUSTOM action, found {spec.action}")
    if spec.action == "DENY" and not spec.rules:
        yield error(f"DENY {_NEVER}")
    for at, rule in enumerate(spec.rules):
        yield from _rule(rule, at)
        if spec.action == "DENY" and _is_tcp_blind(rule):
            yield warning(_TCP_BLIND)


def _custom(spec: Record) -> Problems:
    if not spec.rules:
        yield error(f"CUSTOM {_NEVER}")
    elif spec.provider is None or not spec.provider.name:
        yield error("`provider.name` must not be empty")
    for rule in spec.rules:
        for source in (each.source for each in rule["from"] if each.source is not None):
            for field in _UNFIT_FOR_CUSTOM:
                if source[field]:
                    yield error(f"From.{_title(field)} is currently not supported with CUSTOM action")
        for key in (condition.key for condition in rule.when):
            sources = ("source.namespace", "source.serviceAccount", "source.trustDomain", "source.principal")
            if key in sources or key.startswith("request.auth."):
                yield error(f"{key} is currently not supported with CUSTOM action")


def _title(field: str) -> str:
    return field[0].upper() + field[1:]


def _rule(rule: Record, at: int) -> Problems:
    for each in rule["from"]:
        if each.source is None:
            yield error(f"`from.source` must not be nil, found at rule {at}")
        else:
            yield from _source(each.source, at)
    for each in rule.to:
        if each.operation is None:
            yield error(f"`to.operation` must not be nil, found at rule {at}")
        else:
            yield from _operation(each.operation, at)
    for condition in rule.when:
        yield from _condition(condition)


def _is_tcp_blind(rule: Record) -> bool:
    """Whether a rule looks at nothing that a stream of bytes has."""
    sources = [each.source for each in rule["from"] if each.source is not None]
    operations = [each.operation for each in rule.to if each.operation is not None]
    stream_fields = (*_IDENTITIES, *_ADDRESSES, *_ACCOUNTS)
    by_source = any(source[field] for source in sources for field in stream_fields)
    by_port = any(operation.ports or operation.notPorts for operation in operations)
    return bool(operations and not by_port) or bool(sources and not operations and not by_source)


def _source(source: Record, at: int) -> Problems:
    if any(source[field] for field in _IDENTITIES) and any(source[field] for field in _ACCOUNTS):
        yield error(f"cannot set serviceAccounts with namespaces or principals, found at rule {at}")
    if not any(source[field] for field in _SOURCE):
        yield error(f"`from.source` must not be empty, found at rule {at}")
    for field in _ADDRESSES:
        yield from _address_blocks(source[field])
    for field in _SOURCE:
        name = _title(field)
        if field in _ACCOUNTS:
            yield from _accounts(name, source[field])
        elif field in ("trustDomains", "notTrustDomains"):
            yield from _trust_domains(name, source[field])
        else:
            yield from _empty(name, source[field])


def _address_blocks(blocks: Sequence[str]) -> Problems:
    for block in blocks:
        if "/" in block and not names.is_prefix(block):
            yield listed(f"bad CIDR range ({block}): {_prefix_fault(block)}")
        elif "/" not in block and not names.is_address(block):
            yield listed(f"bad IP address ({block})")


def _prefix_fault(block: str) -> str:
    """Why Go's netip takes a text for no address block."""
    address, _, length = block.rpartition("/")
    about = f"netip.ParsePrefix({quote(block)})"
    if not names.is_address(address):
        return f"{about}: ParseAddr({quote(address)}): unable to parse IP"
    if not length.isdigit() or (len(length) > 1 and length.startswith("0")):
        return f"{about}: bad bits after slash: {quote(length)}"
    return f"{about}: prefix length out of range"


def _empty(about: str, values: Sequence[str]) -> Problems:
    if "" in values:
        yield error(f"empty value not allowed, found in {about}")


def _wildcards(about: str, values: Sequence[str]) -> Problems:
    yield from _empty(about, values)
    for value in values if "" not in values else ():
        if value.count("*") > 1:
            yield error(f"at most one wildcard is allowed, found in {about}: {quote(value)}")
            return
        if "*" in value[1:-1]:
            yield error(f"wildcard is only allowed at the start or end, found in {about}: {quote(value)}")
            return


def _trust_domains(about: str, values: Sequence[str]) -> Problems:
    wrong = list(_wildcards(about, values))
    yield from wrong
    slashed = next((value for value in values if "/" in value), None)
    if not wrong and slashed is not None:
        yield error(f"trust domain must not contain '/', found in {about}: {quote(slashed)}")


def _accounts(about: str, values: Sequence[str]) -> Problems:
    if len(values) > 16:
        yield error("may not have more than 16 values")
        return
    faults = (_account_fault(value, about) for value in values)
    yield from [error(fault) for fault in faults if fault][:1]


def _account_fault(value: str, about: str) -> str | None:
    form = "expected format 'serviceAccount' or 'namespace/serviceAccount', found"
    namespace, slash, account = value.partition("/")
    faults = (
        (not value, f"empty value not allowed, found in {about}"),
        ("*" in value, f"wildcard not allowed, found in {about}"),
        (value.count("/") > 1, f"{form} {quote(value)} in {about}"),
        (len(value.encode()) > 320, f"value cannot exceed 320 characters, found {quote(value)} in {about}"),
        (slash and not namespace, f"{form} empty namespace {quote(value)} in {about}"),
        (slash and not account, f"{form} empty serviceAccount {quote(value)} in {about}"),
    )
    return next((text for wrong, text in faults if wrong), None)


def _operation(operation: Record, at: int) -> Problems:
    if not any(operation[field] for field in _OPERATION):
        yield error(f"`to.operation` must not be empty, found at rule {at}")
    yield from _ports(operation.ports)
    yield from _ports(operation.notPorts)
    for field in _OPERATION:
        yield from _empty(_title(field), operation[field])
    for field in ("paths", "notPaths"):
        yield from [error(fault) for path in operation[field] if (fault := _path_fault(path, _title(field)))][:1]


def _ports(ports: Sequence[str]) -> Problems:
    for port in ports:
        if not re.fullmatch("[0-9]+", port):
            yield listed(f"bad port ({port}): strconv.ParseUint: parsing {quote(port)}: invalid syntax")
        elif int(port) >= 2**32:
            yield listed(f"bad port ({port}): strconv.ParseUint: parsing {quote(port)}: value out of range")
        elif int(port) > 65535:
            yield listed(f"bad port ({port}): <nil>")


def _path_fault(path: str, about: str) -> str | None:
    templated = "{*}" in path or "{**}" in path
    bare = path.strip("/")
    beyond = False
    for part in bare.split("/"):
        given = f"invalid or unsupported path {bare}, found in {about}."
        if part in ("{*}", "{**}"):
            if beyond:
                return f"{given} {{**}} is not the last operator"
            beyond = part == "{**}"
        elif "{" in part or "}" in part:
            return f"{given} Contains '{{' or '}}' beyond a supported path template"
        elif templated and not _LITERAL.fullmatch(part):
            return f"{given} Contains segment {part} with invalid string literal"
    return None


def _condition(condition: Record) -> Problems:
    if not condition.key:
        yield error("`key` must not be empty")
    elif not condition["values"] and not condition.notValues:
        yield error(f"at least one of `values` or `notValues` must be set for key {condition.key}")
    else:
        for field, about in (("values", "value"), ("notValues", "notValue")):
            wrong = list(_attribute(condition.key, condition[field]))
            if wrong:
                yield error(f"invalid `{about}` for `key` {condition.key}: {wrong[0].text}")


def _attribute(key: str, values: Sequence[str]) -> Problems:
    if "" in values:
        yield from _empty(key, values)
        return
    match key:
        case "source.ip" | "remote.ip" | "destination.ip":
            yield from _address_blocks(values)
        case "source.serviceAccount":
            yield from _accounts(key, values)
        case "source.trustDomain":
            yield from _wildcards(key, values)
        case "destination.port":
            yield from _ports(values)
        case "destination.namespace":
            yield error(f"attribute {key} is replaced by the metadata.namespace")
        case "destination.name" | "destination.user":
            yield error(f"deprecated attribute {key}: only supported in v1alpha1")
        case _:
            yield from _other_attribute(key)


def _other_attribute(key: str) -> Problems:
    plain = ("source.namespace", "source.principal", "connection.sni")
    auth = tuple(f"request.auth.{part}" for part in ("principal", "audiences", "presenter"))
    mapped = ("request.headers", "request.auth.claims", "experimental.envoy.filters.")
    if key.startswith(mapped):
        start = key.find("[")
        if not (key.endswith("]") and 0 < start < len(key) - 2):
            yield error(f"bad key ({key}): should have format a[b]")
    elif key.startswith("destination.labels"):
        yield error(f"attribute {key} is replaced by the workload selector")
    elif key not in plain + auth:
        yield error(f"unknown attribute: {key}")
