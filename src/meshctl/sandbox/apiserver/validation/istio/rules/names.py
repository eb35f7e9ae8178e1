"""Rules of names: domains, labels, namespaces, addresses and ports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, listed, warning

UNIX_PREFIX = "unix://"
_LABEL = r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?"
_WILDCARD_LABEL = rf"\*|(?:\*-?)?{_LABEL}"
_QUALIFIED = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_TAG_KEY = re.compile(rf"({_LABEL}(?:\.{_LABEL})*/)?({_QUALIFIED})")


def is_label(text: str) -> bool:
    """Whether a text is an RFC 1123 label, in any case of letters."""
    return len(text) <= 63 and re.fullmatch(_LABEL, text) is not None


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_prefix(text: str) -> bool:
    """Whether a text is an address block, its length a plain number."""
    address, _, length = text.partition("/")
    if not is_address(address) or not re.fullmatch(r"0|[1-9][0-9]{0,2}", length):
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def address(text: str) -> Problems:
    """An IP address."""
    if not is_address(text):
        yield error(f"{text} is not a valid IP")


def subnet(text: str) -> Problems:
    """An address or an address block."""
    if text.count("/") != 1:
        yield from address(text)
    elif not is_prefix(text):
        yield error(f"{text} is not a valid CIDR block")


def port(number: int) -> Problems:
    """A port number."""
    if not 1 <= number <= 65535:
        yield error(f"port number {number} must be in the range 1..65535")


def port_name(name: str) -> Problems:
    """The name of a port."""
    if not is_label(name):
        yield error(f"invalid port name: {name}")


def domain(text: str) -> Problems:
    """A domain name without wildcards."""
    yield from _length(text) or _labels(text)


def wildcard_domain(text: str) -> Problems:
    """A domain name of which the first label may be, or begin with, an asterisk."""
    wrong = _length(text)
    first, dot, rest = text.partition(".")
    if wrong:
        yield from wrong
    elif len(first) > 63 or not re.fullmatch(_WILDCARD_LABEL, first):
        yield error(f"domain name {quote(text)} invalid (label {quote(first)} invalid)")
    elif dot:
        yield from _labels(rest)


def _length(text: str) -> list[Problem]:
    if len(text) > 255:
        return [error(f"domain name {quote(text)} too long (max 255)")]
    return [] if text else [error("empty domain name not allowed")]


def _labels(text: str) -> list[Problem]:
    labels = text.split(".")
    if re.fullmatch(r"[+-]?[0-9]+", labels[-1]):
        top = quote(labels[-1])
        return [error(f"domain name {quote(text)} invalid (top level domain {top} cannot be all-numeric)")]
    named = labels[:-1] if labels[-1] == "" else labels
    wrong = next((label for label in named if not is_label(label)), None)
    if wrong is None:
        return []
    return [error(f"domain name {quote(text)} invalid (label {quote(wrong)} invalid)")]


def gateway_domain(text: str, sni: bool) -> Problems:
    """A host of a virtual service at a gateway; with SNI also `outbound_.80_._.host.name`."""
    if not _length(text) and sni and text.startswith("outbound_"):
        yield from _generated_sni(text)
    else:
        yield from wildcard_domain(text)


def _generated_sni(text: str) -> Problems:
    form = "outbound_.<PORT>_._.<HOSTNAME>"
    parts = text.split("_")
    if len(parts) < 4:
        yield error(f"domain name {text} invalid, should follow '{form}' format")
        return
    number, host = parts[1].strip("."), parts[3].strip(".")
    for part, wanted in ((number, "[0-9]"), (host, "[a-zA-Z]")):
        if not re.search(wanted, part):
            yield error(f"domain name {quote(text)} invalid (label {quote(part)} invalid). should follow {form} format")
            return


def partial_wildcard(host: str) -> Problems:
    """An asterisk must be a whole label."""
    if "*" in host and len(host) != 1 and not host.startswith("*."):
        yield error(f"partial wildcard {quote(host)} not allowed")


def namespaced_host(text: str, gateway: bool) -> Problems:
    """`namespace/host` of a gateway's server or of a sidecar's egress listener."""
    namespace, slash, host = text.partition("/")
    if not slash:
        if gateway:
            yield from _listener_host(text, gateway)
        else:
            yield error("host must be of form namespace/dnsName")
        return
    if not namespace or not host:
        yield error("config namespace and dnsName in host entry cannot be empty")
    if gateway and namespace not in ("*", ".") and not is_label(namespace):
        yield error(f"invalid namespace value {quote(namespace)} in gateway")
    bare = namespace.removeprefix("~")
    if not gateway and bare not in ("", "*", ".") and not is_label(bare):
        yield error(f"invalid namespace value {quote(namespace)} in sidecar")
    yield from _listener_host(host, gateway)


def _listener_host(host: str, gateway: bool) -> Problems:
    if host != "*" and "." not in host:
        yield error("short names (non FQDN) are not allowed")
    for wrong in wildcard_domain(host):
        if not gateway:
            yield wrong
        if not is_address(host):
            yield wrong
    yield from partial_wildcard(host)


def unix_address(path: str) -> Problems:
    """The path of a Unix domain socket, `@` for the abstract ones."""
    if not path:
        yield error("unix address must not be empty")
    elif not path.startswith("@") and (not path.startswith("/") or path.endswith("/")):
        yield error(f"{path} is not an absolute path to a file")


def tags(labels: Mapping[str, str]) -> Problems:
    """Labels that select endpoints."""
    for key, value in labels.items():
        yield from _tag_key(key)
        if not re.fullmatch(f"(?:{_QUALIFIED})?", value):
            yield listed(f"invalid tag value: {quote(value)}")


def _tag_key(key: str) -> Problems:
    found = _TAG_KEY.fullmatch(key)
    if found is None:
        yield listed(f"invalid tag key: {quote(key)}")
    elif len(found[1] or "") > 254:
        yield listed(f"invalid tag key: {quote(key)} (DNS prefix is too long)")
    elif len(found[2]) > 63:
        yield listed(f"invalid tag key: {quote(key)} (name is too long)")


def gateway_names(names: Sequence[str]) -> Problems:
    """`namespace/name` of gateways; an old-style name ends the check."""
    for name in names:
        namespace, slash, short = name.partition("/")
        if not slash:
            if "." in name:
                parts = name.split(".")
                wanted = quote(f"{parts[1]}/{parts[0]}")
                advice = f"prefer the <namespace>/<name> format: {wanted}"
                yield warning(f"using legacy gatewayName format {quote(name)}; {advice}")
            yield from domain(name)
            return
        if not namespace or not short:
            yield error("config namespace and gateway name cannot be empty")
        if not is_label(namespace):
            yield error(f"invalid value for namespace: {quote(namespace)}")
        if not is_label(short):
            yield error(f"invalid value for gateway name: {quote(short)}")


def host_matches(one: str, other: str) -> bool:
    """Whether two hosts, possibly wildcards, have a name in common."""
    if one.startswith("*") and other.startswith("*"):
        shorter, longer = sorted((one[1:], other[1:]), key=len)
        return longer.endswith(shorter)
    if one.startswith("*"):
        return other.endswith(one[1:])
    return one.endswith(other[1:]) if other.startswith("*") else one == other


def host_within(one: str, other: str) -> bool:
    """Whether every name of a host is one of the other's."""
    if one.startswith("*"):
        return other.startswith("*") and len(one) >= len(other) and one[1:].endswith(other[1:])
    return one.endswith(other[1:]) if other.startswith("*") else one == other
