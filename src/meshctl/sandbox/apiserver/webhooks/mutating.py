"""Webhooks that change objects, one after the other, some of them again when a later one changed something."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from meshctl.sandbox.apiserver import conformity
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.conformity import Mistyped
from meshctl.sandbox.apiserver.failure import internal
from meshctl.sandbox.apiserver.patch import PatchRefused, json_patch
from meshctl.sandbox.apiserver.patch.values import same
from meshctl.sandbox.apiserver.representation import typed
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.webhooks.attributes import Attributes, converted
from meshctl.sandbox.apiserver.webhooks.registered import MUTATING, Hook, concerned
from meshctl.sandbox.apiserver.webhooks.verdict import ask

Object = dict[str, Any]


async def mutate(api: Api, asked: Attributes, complete: Callable[[Object], None], warnings: list[str]) -> Object:
    """The object as all webhooks leave it; `complete` is the admission before them, done again on what they changed.

    Failure if one denies, or cannot be asked and must be.
    """
    asked, again = await _round(api, asked, warnings, None)
    obj = asked.obj or {}
    if again is None:
        return obj
    complete(obj)
    if again:
        asked, _ = await _round(api, asked.with_object(obj), warnings, again)
        obj = asked.obj or {}
        complete(obj)
    return obj


async def _round(
    api: Api, asked: Attributes, warnings: list[str], only: set[tuple[str, int]] | None
) -> tuple[Attributes, set[tuple[str, int]] | None]:
    """One pass over the webhooks; which of them must be asked again, None if nothing was changed."""
    seen: set[tuple[str, int]] = set()
    again: set[tuple[str, int]] | None = None
    for hook in concerned(api, MUTATING, asked):
        if only is not None and hook.place not in only:
            continue
        changed = await _asked(api, hook, asked, warnings)
        if changed is not None:
            asked = asked.with_object(changed)
            again = (again or set()) | seen
            seen = set()
        if hook.reinvocable:
            seen.add(hook.place)
    return asked, again


async def _asked(api: Api, hook: Hook, asked: Attributes, warnings: list[str]) -> Object | None:
    """The object as the webhook changed it, None if it did not."""
    verdict = await ask(api, hook, asked)
    warnings += verdict.warnings
    if verdict.refusal:
        raise verdict.refusal
    if not verdict.patch or asked.obj is None:
        return None
    shown = converted(asked.obj, asked.resource, hook.resource)
    patched = _patched(shown, verdict.patch)
    if same(patched, shown):
        return None
    return _decoded(asked.resource, converted(patched, hook.resource, asked.resource) or {})


def _patched(obj: Any, patch: str) -> Any:
    try:
        return json_patch(obj, json.loads(base64.b64decode(patch, validate=True)))
    except (binascii.Error, ValueError, AttributeError) as error:
        raise internal(f"invalid JSON patch: {error}") from None
    except PatchRefused as error:
        raise internal(str(error.__cause__ or error.message)) from None


def _decoded(resource: Resource, obj: Object) -> Object:
    """The object with its kind's defaults."""
    try:
        return typed(resource, conformity.decoded(resource, obj))
    except Mistyped as error:
        raise internal(str(error)) from None
