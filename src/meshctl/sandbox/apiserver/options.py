"""Query parameters and DeleteOptions as values, refused as k8s.io/apimachinery/pkg/apis/meta refuses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meshctl.sandbox.apiserver import golang
from meshctl.sandbox.apiserver.failure import Cause, bad_request, invalid, plain_error, quote
from meshctl.sandbox.apiserver.target import is_true

GROUP = "meta.k8s.io"
MANAGER_LIMIT = 128


def _unsupported(field: str, shown: str, supported: tuple[str, ...]) -> Cause:
    choices = ", ".join(quote(choice) for choice in supported)
    return Cause(field, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {choices}")


def _forbidden(field: str, message: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {message}")


def _integer(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return int(text.lstrip("+")) if text.lstrip("+-").isascii() else int("x")
    except ValueError:
        raise bad_request(golang.parse_int_error(text)) from None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of create, update, patch."""

    dry_run: bool = False
    manager: str = ""
    validation: str = "Warn"
    force: bool = False


def write_options(query: Mapping[str, str], kind: str, applying: bool = False) -> WriteOptions:
    """Options of a write; `kind` is CreateOptions, UpdateOptions or PatchOptions; Failure 422."""
    dry_run, manager = query.get("dryRun", ""), query.get("fieldManager", "")
    validation = query.get("fieldValidation", "")
    force = is_true(query, "force")
    causes = _patch_causes(kind, applying, manager, "force" in query) + _dry_run(dry_run) + _manager(manager)
    if validation not in ("", "Ignore", "Strict", "Warn"):
        causes.append(_unsupported("fieldValidation", quote(validation), ("", "Ignore", "Strict", "Warn")))
    if causes:
        raise invalid(GROUP, kind, "", causes)
    return WriteOptions(bool(dry_run), manager, validation or "Warn", force)


def _patch_causes(kind: str, applying: bool, manager: str, forced: bool) -> list[Cause]:
    if kind != "PatchOptions":
        return []
    if applying:
        missing = Cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
        return [] if manager else [missing]
    return [_forbidden("force", "may not be specified for non-apply patch")] if forced else []


def _dry_run(value: str) -> list[Cause]:
    return [] if value in ("", "All") else [_unsupported("dryRun", f"[{quote(value)}]", ("All",))]


def _manager(manager: str) -> list[Cause]:
    if len(manager) > MANAGER_LIMIT:
        message = f"Invalid value: {quote(manager)}: may not be more than {MANAGER_LIMIT} bytes"
        return [Cause("fieldManager", "FieldValueTooLong", message)]
    if not manager.isprintable():
        return [
            Cause(
                "fieldManager",
                "FieldValueInvalid",
                f"Invalid value: {quote(manager)}: should only contain printable characters",
            )
        ]
    return []


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Options of list and watch; `version` None: not given."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continuation: str = ""
    version: int | None = None
    match: str = ""
    timeout: int | None = None
    bookmarks: bool = False
    initial_events: bool | None = None


def list_options(query: Mapping[str, str], watch: bool) -> ListOptions:
    """Options of a list or watch; Failure 400 and 422."""
    limit, timeout = _integer(query, "limit"), _integer(query, "timeoutSeconds")
    options = ListOptions(
        query.get("labelSelector", ""),
        query.get("fieldSelector", ""),
        max(limit or 0, 0),
        query.get("continue", ""),
        None,
        query.get("resourceVersionMatch", ""),
        timeout,
        is_true(query, "allowWatchBookmarks"),
        is_true(query, "sendInitialEvents") if "sendInitialEvents" in query else None,
    )
    text = query.get("resourceVersion", "")
    if causes := _version_causes(options, text, watch):
        raise invalid(GROUP, "ListOptions", "", causes)
    if options.continuation and text not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    return replace(options, version=version(text, watch))


def version(text: str, watch: bool = False) -> int | None:
    """A resourceVersion parameter; Failure 400, for a watch 500."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return int(text)
    message = f"resourceVersion: Invalid value: {quote(text)}: {golang.parse_int_error(text, 'ParseUint')}"
    raise plain_error(message) if watch else bad_request(f"invalid resource version: {message}")


def _version_causes(options: ListOptions, text: str, watch: bool) -> list[Cause]:
    return _watch_causes(options) if watch else _list_causes(options, text)


def _watch_causes(options: ListOptions) -> list[Cause]:
    field, match = "resourceVersionMatch", options.match
    if match and options.initial_events is None:
        return [_forbidden(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    if options.initial_events is None:
        return []
    causes = []
    if match != "NotOlderThan":
        causes.append(_forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
    if options.continuation:
        causes.append(_forbidden("continue", "sendInitialEvents is forbidden if continue is provided"))
    return causes


def _list_causes(options: ListOptions, text: str) -> list[Cause]:
    if options.initial_events is not None:
        return [_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")]
    field, match = "resourceVersionMatch", options.match
    if not match:
        return []
    causes = []
    if not text:
        causes.append(_forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
    if options.continuation:
        causes.append(_forbidden(field, "resourceVersionMatch is forbidden when continue is provided"))
    if match not in ("Exact", "NotOlderThan"):
        causes.append(_unsupported(field, quote(match), ("Exact", "NotOlderThan", "")))
    if match == "Exact" and text == "0":
        causes.append(_forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    return causes


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Options of delete and deletecollection."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    version: str = ""
    dry_run: bool = False


POLICIES = ("Foreground", "Background", "Orphan")


def delete_options(body: Mapping[str, Any], query: Mapping[str, str]) -> DeleteOptions:
    """Options out of a DeleteOptions body or, without one, the query; Failure 422."""
    given = body or _from_query(query)
    causes = _delete_causes(given)
    if causes:
        raise invalid(GROUP, "DeleteOptions", "", causes)
    preconditions = given.get("preconditions") or {}
    policy = given.get("propagationPolicy") or ("Orphan" if given.get("orphanDependents") else "")
    return DeleteOptions(
        given.get("gracePeriodSeconds"),
        policy,
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        bool(given.get("dryRun")),
    )


def _from_query(query: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {"gracePeriodSeconds": _integer(query, "gracePeriodSeconds")}
    given["propagationPolicy"] = query.get("propagationPolicy")
    given["dryRun"] = [query["dryRun"]] if query.get("dryRun") else []
    if "orphanDependents" in query:
        given["orphanDependents"] = is_true(query, "orphanDependents")
    return given


def _delete_causes(given: Mapping[str, Any]) -> list[Cause]:
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    causes = []
    if policy and orphan is not None:
        message = "Invalid value: {0}: orphanDependents and deletionPropagation cannot be both set"
        causes.append(Cause("propagationPolicy", "FieldValueInvalid", message.format(quote(policy))))
    if policy and policy not in POLICIES:
        causes.append(_unsupported("propagationPolicy", quote(policy), (*POLICIES, "nil")))
    for value in given.get("dryRun") or ():
        causes += _dry_run(value)
    return causes
