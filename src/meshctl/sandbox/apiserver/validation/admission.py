"""Admission of objects by webhooks: what istiod says of Istio's kinds."""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.validation.istio.webhook import is_istio, judge

_DENIED = 'admission webhook "validation.istio.io" denied the request: '


def review(obj: dict[str, Any], old: dict[str, Any] | None, operation: str) -> tuple[str | None, tuple[str, ...]]:
    """The message of a refusal (status 400, no reason), and the warnings of an admission.

    `operation` is CREATE, UPDATE or DELETE; `old` is the former object of the latter two. A refusal has no warnings.
    """
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    del old  # istiod judges the new state alone
    if operation not in ("CREATE", "UPDATE") or not is_istio(group, str(obj.get("kind", ""))):
        return None, ()
    verdict = judge(obj)
    return (f"{_DENIED}{verdict.message}" if verdict.message else None), verdict.warnings
