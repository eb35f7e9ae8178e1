"""Quantities such as `100m` and `1Gi` (apimachinery, api/resource, 1.36)."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from fractions import Fraction

FORM = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_BINARY: dict[str, int] = {suffix: 1024**power for power, suffix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_DECIMAL = {
    suffix: power
    for power, suffix in zip(range(-9, 19, 3), ("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), strict=False)
}
_PARTS = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]+)")


class QuantityError(ValueError):
    """The text is no quantity; the message is Kubernetes'."""

    def __init__(self) -> None:
        super().__init__(f"quantities must match the regular expression '{FORM}'")


def value(text: str | float) -> Fraction:
    """The number that a quantity stands for."""
    number, suffix = _split(text)
    if suffix in _BINARY and suffix:
        return Fraction(number) * _BINARY[suffix]
    power = _power(suffix)
    scale: Fraction = Fraction(10**power) if power >= 0 else Fraction(1, 10**-power)
    return Fraction(number) * scale


def canonical(text: str | float) -> str:
    """The form in which the API server shows a quantity: as few digits as possible, in the same kind of suffix."""
    _, suffix = _split(text)
    exact = value(text)
    if suffix in _BINARY and suffix:
        return _binary(exact)
    return _exponent(exact) if suffix[:1] in ("e", "E") and len(suffix) > 1 else _decimal(exact)


def _split(text: str | float) -> tuple[Decimal, str]:
    found = _PARTS.fullmatch(str(text))
    if found is None:
        raise QuantityError
    return Decimal(found[1]), found[2]


def _power(suffix: str) -> int:
    return _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])


def _binary(exact: Fraction) -> str:
    if exact.denominator != 1 or abs(exact) < 1024:
        return _decimal(exact)
    suffix = next((each for each, scale in reversed(_BINARY.items()) if exact % scale == 0), "")
    return f"{exact / _BINARY[suffix]}{suffix}"


def _decimal(exact: Fraction) -> str:
    for suffix, power in reversed(_DECIMAL.items()):
        scaled = exact / Fraction(10**power) if power >= 0 else exact * 10**-power
        if scaled.denominator == 1:
            return f"{scaled}{suffix}" if exact else "0"
    nano = exact * 10**9
    return f"{int(Decimal(nano.numerator / nano.denominator).to_integral_value(ROUND_UP))}n"


def _exponent(exact: Fraction) -> str:
    text = _decimal(exact)
    suffix = text.lstrip("+-0123456789")
    return f"{text.removesuffix(suffix)}e{_DECIMAL[suffix]}" if suffix else text
