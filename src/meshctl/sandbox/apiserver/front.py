"""A request's way: who asks, may they, what serves it, and how what goes wrong is answered."""

from __future__ import annotations

import logging
import sqlite3
from urllib.parse import unquote

from aiohttp import web

from meshctl.sandbox.apiserver import openapi, public, reply, target
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.auth import impersonation
from meshctl.sandbox.apiserver.auth.rules import Access
from meshctl.sandbox.apiserver.auth.user import User
from meshctl.sandbox.apiserver.call import DEPRECATED, Call
from meshctl.sandbox.apiserver.failure import (
    Failure,
    PlainNotFound,
    forbidden,
    forbidden_path,
    internal,
    method_not_allowed,
    no_resource,
)
from meshctl.sandbox.apiserver.routes import handler
from meshctl.sandbox.apiserver.target import Target

LOG = logging.getLogger(__name__)
DEFECTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, sqlite3.Error)
"""What an error of this server itself looks like: the request fails, the server goes on."""
NOSNIFF = {"X-Content-Type-Options": "nosniff"}


class Front:
    """The HTTP handler of one API server."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._documents = openapi.Documents(api.catalog)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; what goes wrong becomes a Status."""
        warnings: list[str] = []
        accept = request.headers.get("Accept")
        try:
            return await self._answer(request, warnings)
        except Failure as error:
            return reply.failure(error, accept, warnings)
        except PlainNotFound:
            return reply.text("404 page not found\n", 404)
        except DEFECTS as error:
            LOG.exception("%s %s", request.method, request.rel_url.raw_path)
            return reply.failure(internal(f"{type(error).__name__}: {error}"), accept)

    async def _answer(self, request: web.BaseRequest, warnings: list[str]) -> web.StreamResponse:
        path = unquote(request.rel_url.raw_path)
        asked = target.parse(request.method, path, request.rel_url.query)
        user = self._api.authenticator.user(_certificate(request), request.headers.get("Authorization", ""))
        user = impersonation.impersonated(self._api.authorizer, user, request.headers, asked)
        self._authorize(user, asked)
        if asked.is_resource:
            return await self._resource(request, asked, user, warnings)
        if path.startswith("/openapi/"):
            return openapi.answer(self._documents, request, path)
        return await public.answer(self._api, request, asked)

    def _authorize(self, user: User, asked: Target) -> None:
        verdict = self._api.authorizer.judge(user, access(asked))
        if verdict.allowed:
            return
        error = denied(user, asked, verdict.reason)
        error.headers = NOSNIFF
        raise error

    async def _resource(
        self, request: web.BaseRequest, asked: Target, user: User, warnings: list[str]
    ) -> web.StreamResponse:
        catalog = self._api.catalog
        resource = catalog.find(asked.group, asked.version, asked.resource)
        if resource is None and not catalog.is_builtin(asked.group):
            raise PlainNotFound
        if (
            resource is None
            or not asked.found
            or (asked.namespace and not resource.namespaced and resource.plural != "namespaces")
        ):
            raise no_resource()
        subresource = resource.subresource(asked.subresource) if asked.subresource else None
        if asked.subresource and subresource is None:
            raise no_resource()
        if deprecation := DEPRECATED.get(resource.plural if not resource.group else ""):
            warnings.append(deprecation)
        serve = handler(request.method, asked, resource)
        if serve is None:
            raise method_not_allowed()
        call = Call(self._api, request, asked, user, resource, subresource, request.rel_url.query, warnings)
        return await serve(call)


def access(asked: Target) -> Access:
    """What a request needs permission for."""
    if not asked.is_resource:
        return Access(asked.verb, path=asked.path)
    return Access(asked.verb, asked.group, asked.whole_resource, asked.namespace, asked.name)


def denied(user: User, asked: Target, reason: str) -> Failure:
    """403, as kube-apiserver words it."""
    who, why = f'User "{user.name}" cannot {asked.verb}', f": {reason}" if reason else ""
    if not asked.is_resource:
        return forbidden_path(f'{who} path "{asked.path}"{why}')
    return forbidden(asked.group, asked.resource, asked.name, f"{who} {asked.described}{why}")


def _certificate(request: web.BaseRequest) -> bytes | None:
    transport = request.transport
    channel = transport.get_extra_info("ssl_object") if transport else None
    return channel.getpeercert(binary_form=True) if channel else None
