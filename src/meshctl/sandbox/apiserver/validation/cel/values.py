"""The values of CEL that Python has no type for, and the errors of evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import SplitResult


class CelError(ValueError):
    """An expression has no value, in cel-go's words."""


@dataclass(frozen=True, order=True)
class Duration:
    """A span of time."""

    nanoseconds: int

    def __add__(self, other: Duration) -> Duration:
        return Duration(self.nanoseconds + other.nanoseconds)

    def __sub__(self, other: Duration) -> Duration:
        return Duration(self.nanoseconds - other.nanoseconds)


def type_name(value: Any) -> str:
    """The name of a value's type in messages."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "bool"),
        (int, "int"),
        (float, "double"),
        (str, "string"),
        (bytes, "bytes"),
        (list, "list"),
        (dict, "map"),
        (type(None), "null_type"),
        (Duration, "google.protobuf.Duration"),
        (datetime, "google.protobuf.Timestamp"),
        (SplitResult, "kubernetes.URL"),
        ((IPv4Address, IPv6Address), "net.IP"),
        ((IPv4Network, IPv6Network), "net.CIDR"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "dyn")


def no_overload() -> CelError:
    """The function doesn't take these types."""
    return CelError("no such overload")


def equal(left: Any, right: Any) -> bool:
    """CEL's equality: numbers across their types, nothing else."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return bool(left == right)
