"""Service accounts: /token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from meshctl.sandbox.apiserver import body, clock, reply
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Cause, conflict, invalid, not_found
from meshctl.sandbox.apiserver.options import write_options
from meshctl.sandbox.apiserver.representation import ordered

Object = dict[str, Any]

KIND, GROUP = "TokenRequest", "authentication.k8s.io"
DEFAULT_SECONDS, SHORTEST, LONGEST = 3600, 600, 1 << 32
BOUND = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


async def request(call: Call) -> web.Response:
    """POST of a TokenRequest: a token that expires, and ends with the object it is bound to."""
    media = call.media()
    options = write_options(call.query, "CreateOptions")
    content = body.media_type(call.request.headers.get("Content-Type"))
    given = body.decode(await body.read(call.request), content, KIND).obj
    account = call.current().load()
    spec = _completed(call, given.get("spec") or {})
    token, expires = "", 0
    if not options.dry_run:
        bound = _bound(call, spec.get("boundObjectRef"))
        token, expires = call.api.accounts.issue(account, spec["audiences"], spec["expirationSeconds"], bound)
    return reply.value(_answer(account, spec, token, expires), media, 201, call.warnings)


def _completed(call: Call, spec: Mapping[str, Any]) -> Object:
    seconds = spec.get("expirationSeconds") or DEFAULT_SECONDS
    problem = "may not specify a duration less than 10 minutes" if seconds < SHORTEST else ""
    problem = "may not specify a duration larger than 2^32 seconds" if seconds > LONGEST else problem
    if problem:
        cause = Cause("spec.expirationSeconds", "FieldValueInvalid", f"Invalid value: {seconds}: {problem}")
        raise invalid(GROUP, KIND, "", [cause])
    audiences = list(spec.get("audiences") or call.api.config.api_audiences)
    return {
        "audiences": audiences,
        "expirationSeconds": seconds,
        "boundObjectRef": spec.get("boundObjectRef"),
    }


def _bound(call: Call, reference: Mapping[str, Any] | None) -> Object:
    """Claims that tie the token to an object."""
    if not reference:
        return {}
    kind, name = reference.get("kind", ""), reference.get("name", "")
    if kind not in BOUND:
        message = f'Invalid value: "{kind}": supported values: "Node", "Pod", "Secret"'
        raise invalid(GROUP, KIND, "", [Cause("spec.boundObjectRef.kind", "FieldValueInvalid", message)])
    namespace = "" if kind == "Node" else call.target.namespace
    found = call.api.lookup(BOUND[kind], namespace, name)
    if found is None:
        raise not_found("", BOUND[kind], name)
    _check_bound(call, kind, found, reference)
    claims = {kind.lower(): {"name": name, "uid": found["metadata"]["uid"]}}
    return claims | _node_claim(call, kind, found)


def _check_bound(call: Call, kind: str, found: Mapping[str, Any], reference: Mapping[str, Any]) -> None:
    uid, own = reference.get("uid"), found["metadata"]["uid"]
    if uid and uid != own:
        message = f"the UID in the bound object reference ({uid}) does not match the UID in record. "
        message += "The object might have been deleted and then recreated"
        raise conflict("", kind, reference["name"], message)
    account = (found.get("spec") or {}).get("serviceAccountName")
    if kind == "Pod" and account and account != call.target.name:
        message = f'Invalid value: "{reference["name"]}": cannot bind token for serviceaccount "{call.target.name}"'
        message += f' to pod running with different serviceaccount "{account}"'
        raise invalid(GROUP, KIND, "", [Cause("spec.boundObjectRef", "FieldValueInvalid", message)])


def _node_claim(call: Call, kind: str, found: Mapping[str, Any]) -> Object:
    name = (found.get("spec") or {}).get("nodeName") if kind == "Pod" else None
    node = call.api.lookup("nodes", "", name) if name else None
    return {"node": {"name": name, "uid": node["metadata"]["uid"]}} if node else {}


def _answer(account: Mapping[str, Any], spec: Object, token: str, expires: int) -> Object:
    from datetime import UTC, datetime

    metadata = {"name": account["metadata"]["name"], "namespace": account["metadata"]["namespace"]}
    metadata["creationTimestamp"] = clock.stamp(clock.now())
    when = clock.stamp(datetime.fromtimestamp(expires, UTC)) if token else None
    answer: Object = {"kind": KIND, "apiVersion": f"{GROUP}/v1", "metadata": ordered(metadata), "spec": spec}
    return answer | {"status": {"token": token, "expirationTimestamp": when}}
