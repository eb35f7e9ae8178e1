"""Host names of Istio objects: short names, wildcards, the more specific one, and who may see an object."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import ip_address

DOMAIN = "cluster.local"
PUBLIC, PRIVATE, NOBODY = "*", ".", "~"


def is_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def resolve(host: str, namespace: str, domain: str = DOMAIN) -> str:
    """A name without a dot belongs to the object's own namespace (Istio ResolveShortnameToFQDN)."""
    if not host or "." in host or host.startswith("*") or is_address(host):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def is_wildcard(host: str) -> bool:
    """Whether it starts with `*`."""
    return host.startswith("*")


def subset_of(host: str, other: str) -> bool:
    """Whether every name that `host` stands for, `other` does too."""
    if not is_wildcard(other):
        return host == other
    suffix = other[1:]
    return (host[1:] if is_wildcard(host) else host).endswith(suffix)


def overlap(host: str, other: str) -> bool:
    """Whether some name matches both."""
    return subset_of(host, other) or subset_of(other, host)


def specificity(host: str) -> tuple[bool, int, str]:
    """Sort key: exact names first, then the longest wildcard, then alphabetical."""
    return is_wildcard(host), -len(host), host


def most_specific(host: str, candidates: Collection[str]) -> str | None:
    """The candidate that covers `host` most closely: itself, else the longest wildcard."""
    if host in candidates:
        return host
    covering = [other for other in candidates if is_wildcard(other) and subset_of(host, other)]
    return min(covering, key=specificity, default=None)


def visible(export_to: Iterable[str], owner: str, viewer: str, default: Iterable[str] = (PUBLIC,)) -> bool:
    """Whether an object of namespace `owner` with that exportTo is seen from `viewer`."""
    targets = set(export_to) or set(default)
    if PUBLIC in targets or NOBODY in targets:
        return PUBLIC in targets
    return viewer in targets or (PRIVATE in targets and owner == viewer)
