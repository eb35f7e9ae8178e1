"""What a webhook's answer means for the write: it passes, is denied, or the webhook's failure counts."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Failure, bad_request, internal, quote
from meshctl.sandbox.apiserver.webhooks import calling
from meshctl.sandbox.apiserver.webhooks.attributes import Attributes, review
from meshctl.sandbox.apiserver.webhooks.calling import Unreachable
from meshctl.sandbox.apiserver.webhooks.registered import Hook

LOG = logging.getLogger(__name__)
WITHOUT_SIDE_EFFECTS = ("None", "NoneOnDryRun")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refusal`: why the write fails; `patch`: a base64 JSON patch."""

    warnings: tuple[str, ...] = ()
    refusal: Failure | None = None
    patch: str = ""


async def ask(api: Api, hook: Hook, asked: Attributes) -> Verdict:
    """Ask one webhook."""
    if asked.dry_run and hook.entry.get("sideEffects") not in WITHOUT_SIDE_EFFECTS:
        return Verdict(refusal=bad_request(f"admission webhook {quote(hook.name)} does not support dry run"))
    try:
        response = await calling.call(api, hook, review(asked, hook.resource, str(uuid.uuid4())))
    except Unreachable as error:
        return _unreachable(hook, error)
    warnings = tuple(str(one) for one in response.get("warnings") or ())
    if not response.get("allowed"):
        return Verdict(warnings, _denied(hook, response.get("status") or {}))
    return Verdict(warnings, patch=str(response.get("patch") or ""))


def _unreachable(hook: Hook, error: Unreachable) -> Verdict:
    message = f"failed calling webhook {quote(hook.name)}: {error}"
    if hook.fails_open:
        LOG.warning("%s: passed, as its failurePolicy says", message)
        return Verdict()
    return Verdict(refusal=internal(message))


def _denied(hook: Hook, status: Mapping[str, Any]) -> Failure:
    """The refusal, worded as k8s.io/apiserver/pkg/admission/plugin/webhook/errors, ToStatusErr."""
    by = f"admission webhook {quote(hook.name)} denied the request"
    given = status.get("code")
    code = given if isinstance(given, int) and 400 <= given <= 599 else 400
    reason, said = str(status.get("reason") or ""), str(status.get("message") or status.get("reason") or "")
    message = f"{by}: {said}" if said else f"{by} without explanation"
    details = status.get("details")
    return Failure(code, reason, message, details if isinstance(details, dict) else None)
