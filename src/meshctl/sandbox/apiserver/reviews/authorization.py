"""authorization.k8s.io: may I, may they, and what may I do at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver.auth.rbac import Verdict
from meshctl.sandbox.apiserver.auth.rules import Access
from meshctl.sandbox.apiserver.auth.user import MASTERS, User
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.reviews.review import answer, question, refused

Object = dict[str, Any]

ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
EVERYTHING = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


async def self_access_review(call: Call) -> web.Response:
    """May I do that?"""
    obj = await question(call)
    verdict = call.api.authorizer.judge(call.user, _access(call, obj["spec"]))
    return answer(call, obj, _status(verdict))


async def access_review(call: Call) -> web.Response:
    """May that user do that? In one namespace, if the path names one."""
    obj = await question(call)
    spec = obj["spec"]
    access = _access(call, spec)
    if not spec.get("user") and not spec.get("groups"):
        raise refused(call, "spec.user", '""', "at least one of user or group must be specified")
    if call.resource.namespaced and access.namespace != call.target.namespace:
        raise refused(
            call,
            "spec.resourceAttributes.namespace",
            f'"{access.namespace}"',
            "must match metadata.namespace",
        )
    user = User(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()))
    return answer(call, obj, _status(call.api.authorizer.judge(user, access)))


def _access(call: Call, spec: Mapping[str, Any]) -> Access:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        raise refused(call, "spec.resourceAttributes", "null", ONE_OF)
    if resource is None or path is not None:
        path = path or {}
        return Access(path.get("verb") or "", path=path.get("path") or "")
    names = "/".join(filter(None, (resource.get("resource") or "", resource.get("subresource") or "")))
    return Access(
        resource.get("verb") or "",
        resource.get("group") or "",
        names or "*",
        resource.get("namespace") or "",
        resource.get("name") or "",
    )


def _status(verdict: Verdict) -> Object:
    return {"allowed": verdict.allowed} | ({"reason": verdict.reason} if verdict.reason else {})


async def rules_review(call: Call) -> web.Response:
    """What may I do in a namespace?"""
    obj = await question(call)
    namespace = obj["spec"].get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    granted = [rule for grant in call.api.authorizer.grants(call.user, namespace) for rule in grant.rules]
    if MASTERS in call.user.groups:
        granted = [*EVERYTHING, *granted]
    status = {
        "resourceRules": _rules(granted, "resources"),
        "nonResourceRules": _rules(granted, "nonResourceURLs"),
    }
    obj["spec"], obj["metadata"] = {}, {}
    return answer(call, obj, status | {"incomplete": False})


def _rules(granted: list[Any], having: str) -> list[Object]:
    fields = ("verbs", "apiGroups", "resources", "resourceNames") if having == "resources" else ("verbs", having)
    return [{name: rule[name] for name in fields if rule.get(name)} for rule in granted if rule.get(having)]
