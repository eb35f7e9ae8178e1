"""authentication.k8s.io: TokenReview and SelfSubjectReview."""

from __future__ import annotations

from aiohttp import web

from meshctl.sandbox.apiserver import clock, reply
from meshctl.sandbox.apiserver.auth.tokens import InvalidToken
from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.reviews.review import answer, question


async def token_review(call: Call) -> web.Response:
    """Whose token that is."""
    obj = await question(call)
    token = obj["spec"].get("token")
    if not isinstance(token, str) or not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user, audiences = call.api.authenticator.review(token, obj["spec"].get("audiences") or ())
    except InvalidToken as error:
        return answer(call, obj, {"user": {}, "error": str(error)})
    return answer(call, obj, {"authenticated": True, "user": user.info, "audiences": list(audiences)})


async def self_subject_review(call: Call) -> web.Response:
    """Who I am."""
    obj = await question(call)
    del obj["spec"]
    obj["metadata"] = {"creationTimestamp": clock.stamp(clock.now())}
    return reply.value(obj | {"status": {"userInfo": call.user.info}}, call.media(), 201, call.warnings)
