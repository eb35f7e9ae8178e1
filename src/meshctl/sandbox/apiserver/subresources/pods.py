"""Pods: /binding and /eviction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, clock, deletion, options, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Cause, Failure, conflict, invalid, not_found
from meshctl.sandbox.apiserver.representation import load, stored_form
from meshctl.sandbox.apiserver.selectors import labels
from meshctl.sandbox.apiserver.strategy.pods import add_topology
from meshctl.sandbox.apiserver.verbs.deleting import review

Object = dict[str, Any]

BUDGETS = "poddisruptionbudgets.policy"
VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."


async def bind(call: Call) -> web.Response:
    """POST of a Binding: the pod gets its node."""
    media = call.media()
    written = options.write_options(call.query, "CreateOptions")
    binding = await _decoded(call, "Binding")
    name = call.target.name or (binding.get("metadata") or {}).get("name", "")
    _assign(call, name, binding.get("target") or {}, written.dry_run)
    return reply.value(reply.success(201), media, 201)


async def _decoded(call: Call, kind: str) -> Object:
    media = body.media_type(call.request.headers.get("Content-Type"))
    return body.decode(await body.read(call.request), media, kind).obj


def _assign(call: Call, name: str, target: Mapping[str, Any], dry_run: bool) -> None:
    pods = call.api.catalog.find("", "v1", "pods")
    stored = call.api.store.get("pods", f"{call.target.namespace}/{name}")
    if stored is None or pods is None:
        raise not_found("", "pods", name)
    if not target.get("name"):
        raise invalid("", "Binding", name, [Cause("target.name", "FieldValueRequired", "Required value")])
    obj = load(pods, stored)
    _check_bindable(obj, name)
    obj["spec"]["nodeName"] = target["name"]
    add_topology(call.api, obj, target["name"])
    when = clock.stamp(clock.now())
    condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": when}
    status = obj.setdefault("status", {})
    others = [one for one in status.get("conditions") or () if one["type"] != "PodScheduled"]
    status["conditions"] = [*others, condition]
    if not dry_run:
        call.api.store.replace("pods", stored.key, stored_form(pods, obj), stored)


def _check_bindable(obj: Object, name: str) -> None:
    if obj["metadata"].get("deletionTimestamp"):
        raise conflict("", "pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if node := obj["spec"].get("nodeName"):
        raise conflict("", "pods/binding", name, f'pod {name} is already assigned to node "{node}"')


async def evict(call: Call) -> web.Response:
    """POST of an Eviction: a delete that disruption budgets may refuse."""
    media = call.media()
    eviction = await _decoded(call, "Eviction")
    stored = call.current()
    pod = load(call.resource, stored)
    if (pod.get("status") or {}).get("phase") not in deletion.FINISHED:
        _check_budgets(call, pod)
    chosen = options.delete_options(eviction.get("deleteOptions") or {}, call.query)
    await review(call, stored, chosen)
    deletion.delete(call.api, call.resource, call.current(), chosen)
    return reply.value(reply.success(201), media, 201)


def _check_budgets(call: Call, pod: Object) -> None:
    page = call.api.store.page(BUDGETS, call.target.namespace)
    for budget in (stored.load() for stored in page.items):
        selector = (budget.get("spec") or {}).get("selector")
        if not labels.of(selector).matches(pod["metadata"].get("labels")):
            continue
        status = budget.get("status") or {}
        if status.get("disruptionsAllowed", 0) < 1:
            raise _too_many(budget["metadata"]["name"], status)


def _too_many(name: str, status: Mapping[str, Any]) -> Failure:
    needed, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    cause = {
        "reason": "DisruptionBudget",
        "message": f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently",
    }
    return Failure(429, "TooManyRequests", VIOLATION, {"causes": [cause]})
