"""ComponentStatus: not stored, always well."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import not_found
from meshctl.sandbox.apiserver.storage.revision import Stored, dump
from meshctl.sandbox.apiserver.verbs import listing, shown

COMPONENTS = ("controller-manager", "etcd-0", "scheduler")


def _component(name: str) -> Stored:
    condition: dict[str, Any] = {"type": "Healthy", "status": "True", "message": "ok"}
    return Stored(name, 0, dump({"metadata": {"name": name}, "conditions": [condition]}))


async def list_(call: Call) -> web.Response:
    """GET of all components."""
    return listing.whole(call, [_component(name) for name in COMPONENTS], call.media(), {})


async def get(call: Call) -> web.Response:
    """GET of one component."""
    if call.target.name not in COMPONENTS:
        raise not_found("", "componentstatuses", call.target.name)
    return shown.one(call, _component(call.target.name), call.media())
