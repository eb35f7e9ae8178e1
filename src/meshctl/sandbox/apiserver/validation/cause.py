"""What is wrong with one field of an object, in Kubernetes' words (apimachinery, util/validation/field, 1.36)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.validation.golang import as_json, number, quote

NO_FIELD = "<nil>"


@dataclass(frozen=True)
class Cause:
    """One entry of `details.causes` of a 422."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def summary(causes: Sequence[Cause]) -> str:
    """Several causes as the Status message joins them: the text alone, or `[a, b]`, each text once."""
    texts = list(dict.fromkeys(str(cause) for cause in causes))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def invalid(field: str, value: Any, detail: str) -> Cause:
    """The value breaks a rule."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {detail}")


def broken(field: str, detail: str) -> Cause:
    """The value, too large to show, breaks a rule."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {detail}")


def mistyped(field: str, value: Any, detail: str) -> Cause:
    """The value has another type."""
    return Cause(field, "FieldValueTypeInvalid", f"Invalid value: {_shown(value)}: {detail}")


def required(field: str, detail: str = "") -> Cause:
    """The field is absent or empty."""
    return Cause(field, "FieldValueRequired", f"Required value: {detail}" if detail else "Required value")


def unsupported(field: str, value: Any, allowed: Iterable[str]) -> Cause:
    """The value is none of those that exist."""
    values = ", ".join(quote(each) for each in allowed)
    detail = f"Unsupported value: {_shown(value)}"
    return Cause(field, "FieldValueNotSupported", f"{detail}: supported values: {values}" if values else detail)


def duplicate(field: str, value: Any) -> Cause:
    """An earlier item has the same key."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")


def forbidden(field: str, detail: str) -> Cause:
    """The field must not be set, or not be changed."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def not_found(field: str, value: Any) -> Cause:
    """The value refers to something that is not there."""
    return Cause(field, "FieldValueNotFound", f"Not found: {_shown(value)}")


def too_long(field: str, most: int) -> Cause:
    """The string has more bytes than allowed."""
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {most} bytes")


def too_many(field: str, count: int, most: int) -> Cause:
    """The list has more items than allowed."""
    noun = "item" if most == 1 else "items"
    return Cause(field, "FieldValueTooMany", f"Too many: {count}: must have at most {most} {noun}")


def _shown(value: Any) -> str:
    match value:
        case str():
            return quote(value)
        case bool() | None | dict() | list():
            return as_json(value)
        case float():
            return number(value)
    return str(value)
