"""Why a patch is refused, as the API server words it.

PatchRefused   carries the HTTP code, reason, message and details of a meta/v1 Status
└── Conflict   fields that other managers own: 409 with a cause for each
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class PatchRefused(Exception):
    """A patch that cannot be applied; `status()` is the body of the answer."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def status(self) -> dict[str, Any]:
        """The meta/v1 Status."""
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        return body | {"code": self.code}


def bad_request(message: str) -> PatchRefused:
    return PatchRefused(400, "BadRequest", message)


def unprocessable() -> PatchRefused:
    """A well-formed patch that does not fit the object; the real server keeps the reason to itself."""
    message = "the server rejected our request due to an error in our request"
    return PatchRefused(422, "Invalid", message, {})


def too_large(message: str) -> PatchRefused:
    return PatchRefused(413, "RequestEntityTooLarge", f"Request entity is too large: {message}")


def internal(message: str) -> PatchRefused:
    """An error that the real server has no code for."""
    return PatchRefused(500, "", message)


@dataclass(frozen=True, slots=True)
class Cause:
    """One field in conflict: its path, and its manager as messages name it (`"kubectl" using apps/v1`)."""

    manager: str
    field: str

    def as_json(self) -> dict[str, str]:
        return {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {self.manager}",
            "field": self.field,
        }


class Conflict(PatchRefused):
    """Fields to be changed by an apply that other managers own."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        self.causes = tuple(causes)
        super().__init__(409, "Conflict", _message(causes), {"causes": [cause.as_json() for cause in causes]})


def _message(causes: Sequence[Cause]) -> str:
    if len(causes) == 1:
        return f"Apply failed with 1 conflict: conflict with {causes[0].manager}: {causes[0].field}"
    lines = []
    for manager in dict.fromkeys(cause.manager for cause in causes):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {cause.field}" for cause in causes if cause.manager == manager]
    return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
