"""Webhooks that only say yes or no, all asked at the same time."""

from __future__ import annotations

import asyncio

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.webhooks.attributes import Attributes
from meshctl.sandbox.apiserver.webhooks.registered import VALIDATING, concerned
from meshctl.sandbox.apiserver.webhooks.verdict import ask


async def validate(api: Api, asked: Attributes, warnings: list[str]) -> None:
    """Failure if one denies, or cannot be asked and must be."""
    hooks = concerned(api, VALIDATING, asked)
    if not hooks:
        return
    verdicts = await asyncio.gather(*(ask(api, hook, asked) for hook in hooks))
    for verdict in verdicts:
        warnings += verdict.warnings
    for verdict in verdicts:
        if verdict.refusal:
            raise verdict.refusal
