"""What a request is refused with: Status objects, worded as k8s.io/apimachinery/pkg/api/errors words them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Object = dict[str, Any]

REQUEST_LIMIT = 3 * 1024 * 1024


class Cause(NamedTuple):
    """One violation: the field's path, its reason (`FieldValueInvalid` …) and the message."""

    field: str
    reason: str
    message: str


@dataclass
class Failure(Exception):
    """A refusal: HTTP code, reason, message, details; `headers` go with the answer."""

    code: int
    reason: str
    message: str
    details: Object | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Object = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> Object:
        """The Status object."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
        }
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = {key: value for key, value in self.details.items() if value}
        return status | {"code": self.code}


class PlainNotFound(Exception):
    """No handler has that path: `404 page not found` as plain text."""


def qualified(group: str, name: str) -> str:
    """`name.group`, or the name alone in the core group."""
    return f"{name}.{group}" if group else name


CONTROL = re.compile("[\x7f-\x9f]")


def quote(text: str) -> str:
    """A string as Go's %q prints it."""
    # JSON leaves some control characters as they are, which no HTTP header may hold.
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", json.dumps(text, ensure_ascii=False))


def bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def unauthorized() -> Failure:
    return Failure(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, resource: str, name: str, message: str, causes: Sequence[Cause] = ()) -> Failure:
    subject = f"{qualified(group, resource)} {quote(name)}" if name else qualified(group, resource)
    details = {"name": name, "group": group, "kind": resource, "causes": _causes(causes)}
    return Failure(403, "Forbidden", f"{subject} is forbidden: {message}", details)


def forbidden_path(message: str) -> Failure:
    return Failure(403, "Forbidden", f"forbidden: {message}", {})


def not_found(group: str, resource: str, name: str) -> Failure:
    message = f"{qualified(group, resource)} {quote(name)} not found"
    return Failure(404, "NotFound", message, {"name": name, "group": group, "kind": resource})


def no_resource() -> Failure:
    return Failure(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> Failure:
    message = "the server does not allow this method on the requested resource"
    return Failure(405, "MethodNotAllowed", message, {})


def not_acceptable(available: Sequence[str]) -> Failure:
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(available)}"
    return Failure(406, "NotAcceptable", message, {})


def only_accepted(available: Sequence[str]) -> Failure:
    message = f"only the following media types are accepted: {', '.join(available)}"
    return Failure(406, "NotAcceptable", message)


def already_exists(group: str, resource: str, name: str) -> Failure:
    message = f"{qualified(group, resource)} {quote(name)} already exists"
    return Failure(409, "AlreadyExists", message, {"name": name, "group": group, "kind": resource})


def conflict(group: str, resource: str, name: str, message: str) -> Failure:
    text = f"Operation cannot be fulfilled on {qualified(group, resource)} {quote(name)}: {message}"
    return Failure(409, "Conflict", text, {"name": name, "group": group, "kind": resource})


def modified(group: str, resource: str, name: str) -> Failure:
    message = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(group, resource, name, message)


def expired(message: str, metadata: Object | None = None) -> Failure:
    return Failure(410, "Expired", message, metadata=metadata or {})


def too_large() -> Failure:
    return Failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {REQUEST_LIMIT}")


def unsupported_patch() -> Failure:
    return Failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def unsupported_body(available: Sequence[str]) -> Failure:
    message = "the body of the request was in an unknown format - accepted media types include: "
    return Failure(415, "UnsupportedMediaType", message + ", ".join(available))


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> Failure:
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {"name": name, "group": group, "kind": kind, "causes": _causes(causes)}
    return Failure(422, "Invalid", f"{qualified(group, kind)} {quote(name)} is invalid: {joined}", details)


def rejected() -> Failure:
    return Failure(422, "Invalid", "the server rejected our request due to an error in our request", {})


def future_version(requested: int, current: int) -> Failure:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {requested}, current: {current}"
    return Failure(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1}, {"Retry-After": "1"})


def internal(message: str) -> Failure:
    return Failure(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def plain_error(message: str) -> Failure:
    """An error without a reason, as the original answers what it did not foresee."""
    return Failure(500, "", message)


def _causes(causes: Sequence[Cause]) -> list[Object]:
    return [
        {key: value for key, value in (("reason", c.reason), ("message", c.message), ("field", c.field)) if value}
        for c in causes
    ]
