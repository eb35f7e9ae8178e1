"""One call of a webhook over HTTPS, and what went wrong with it in the words of Go's HTTP client."""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import quote
from meshctl.sandbox.apiserver.webhooks.registered import Hook

Object = dict[str, Any]

ANSWER_LIMIT = 3 * 1024 * 1024
HTTPS = 443
PHRASES = {
    400: "the server rejected our request for an unknown reason",
    401: "the server has asked for the client to provide credentials",
    404: "the server could not find the requested resource",
    405: "the server does not allow this method on the requested resource",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}
UNTRUSTED = {
    9: "x509: certificate has expired or is not yet valid",
    10: "x509: certificate has expired or is not yet valid",
    62: "x509: certificate is valid for other names, not {name}",
    64: "x509: cannot validate certificate for {name} because it doesn't contain any IP SANs",
}


class Unreachable(Exception):
    """A webhook could not be asked, or its answer not be understood."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a webhook listens: the URL as messages show it, the address to dial, the name that its certificate has."""

    url: str
    dialled: str
    name: str


async def call(api: Api, hook: Hook, question: Object) -> Object:
    """The webhook's `response`; Unreachable says in Kubernetes' words why there is none."""
    place = _place(api, hook)
    try:
        async with asyncio.timeout(hook.timeout):
            return await _post(hook, place, question)
    except TimeoutError:
        raise _failed(place, "context deadline exceeded") from None
    except (aiohttp.ClientError, OSError) as error:
        raise _failed(place, _worded(error, place)) from None


def _failed(place: Place, reason: str) -> Unreachable:
    return Unreachable(f'failed to call webhook: Post "{place.url}": {reason}')


def _place(api: Api, hook: Hook) -> Place:
    config = hook.entry.get("clientConfig") or {}
    suffix = f"timeout={hook.timeout}s"
    if url := config.get("url"):
        parts = urlsplit(url)
        shown = f"{url}{'&' if parts.query else '?'}{suffix}"
        return Place(shown, f"{parts.hostname}:{parts.port or HTTPS}", str(parts.hostname))
    service = config["service"]
    port, path = int(service.get("port") or HTTPS), service.get("path") or "/"
    name = f"{service['name']}.{service['namespace']}.svc"
    place = Place(f"https://{name}:{port}{path}?{suffix}", "", name)
    found = api.lookup("services", service["namespace"], service["name"])
    if found is None:
        raise _failed(place, f"service {quote(service['name'])} not found")
    return Place(place.url, _backend(found, port, place), name)


def _backend(service: Mapping[str, Any], port: int, place: Place) -> str:
    """Address and port of a service: k8s.io/apiserver/pkg/util/proxy, ResolveCluster."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return f"{spec['externalName']}:{port}"
    if spec.get("clusterIP") == "None":
        raise _failed(place, 'cannot route to service with ClusterIP "None"')
    if port not in [one["port"] for one in spec.get("ports") or ()]:
        name = quote(service["metadata"]["name"])
        raise _failed(place, f"no service port {port} found for service {name}")
    return f"{spec['clusterIP']}:{port}"


async def _post(hook: Hook, place: Place, question: Object) -> Object:
    parts = urlsplit(place.url)
    dialled = f"https://{place.dialled}{parts.path}?{parts.query}"
    headers = {"Host": parts.netloc, "Accept": "application/json", "User-Agent": "kube-apiserver-admission"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            dialled,
            json=question,
            headers=headers,
            ssl=_trust(hook),
            server_hostname=place.name,
            allow_redirects=False,
        ) as answer,
    ):
        body = await answer.content.read(ANSWER_LIMIT)
        while len(body) < ANSWER_LIMIT and (part := await answer.content.read(ANSWER_LIMIT)):
            body += part
        if not 200 <= answer.status <= 206:
            raise Unreachable(f"failed to call webhook: {_refused(answer.status, body)}")
    return _response(body, question["request"]["uid"])


def _trust(hook: Hook) -> ssl.SSLContext:
    given = (hook.entry.get("clientConfig") or {}).get("caBundle") or ""
    try:
        authority = base64.b64decode(given, validate=True).decode() or None
        return ssl.create_default_context(cadata=authority)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError):
        reason = "unable to load root certificates: unable to parse bytes as PEM block"
        raise Unreachable(f"failed to call webhook: {reason}") from None


def _refused(status: int, body: bytes) -> str:
    """An unexpected status: k8s.io/apimachinery/pkg/api/errors, NewGenericServerResponse."""
    said = body[:2048].decode("utf-8", "replace").strip()
    if status == 403:
        return said or "unknown"
    if status in PHRASES:
        return PHRASES[status]
    if status >= 500:
        return f"an error on the server ({quote(said or 'unknown')}) has prevented the request from succeeding"
    return f"the server responded with the status code {status} but did not return more information"


def _response(body: bytes, uid: str) -> Object:
    try:
        answer = json.loads(body)
    except ValueError:
        raise Unreachable("failed to call webhook: couldn't get version/kind; json parse error") from None
    if not isinstance(answer, dict):
        raise Unreachable("failed to call webhook: couldn't get version/kind; json parse error")
    response = answer.get("response")
    if not isinstance(response, dict):
        raise _invalid("webhook response was absent")
    _verify(answer, response, uid)
    return response


def _verify(answer: Mapping[str, Any], response: Mapping[str, Any], uid: str) -> None:
    """What an answer must hold: k8s.io/apiserver/pkg/admission/plugin/webhook/request, VerifyAdmissionResponse."""
    wanted = "admission.k8s.io/v1, Kind=AdmissionReview"
    given = f"{answer.get('apiVersion', '')}, Kind={answer.get('kind', '')}"
    if response.get("uid") != uid:
        raise _invalid(f"expected response.uid={quote(uid)}, got {quote(str(response.get('uid', '')))}")
    if given != wanted:
        raise _invalid(f"expected webhook response of {wanted}, got {given}")
    if response.get("patch") and not response.get("patchType"):
        raise _invalid("webhook returned response.patch but not response.patchType")
    if response.get("patchType") and not response.get("patch"):
        raise _invalid("webhook returned response.patchType but not response.patch")
    if response.get("patchType") not in (None, "", "JSONPatch"):
        raise _invalid(f"webhook returned invalid response.patchType of {quote(str(response['patchType']))}")


def _invalid(reason: str) -> Unreachable:
    return Unreachable(f"received invalid webhook response: {reason}")


def _worded(error: Exception, place: Place) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _untrusted(error.certificate_error, place.name)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {place.dialled.rpartition(':')[0]}: no such host"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "http: server gave HTTP response to HTTPS client"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"dial tcp {place.dialled}: connect: {_system(error.os_error)}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    if isinstance(error, OSError) and error.errno == errno.ECONNRESET:
        return f"read tcp {place.dialled}: read: connection reset by peer"
    return str(error) or type(error).__name__


def _system(error: OSError) -> str:
    number = error.errno or 0
    # The event loop puts the number of a failed connect into the text alone when it tried several addresses.
    return os.strerror(number).lower() if number > 0 else (str(error) or "i/o timeout")


def _untrusted(error: Exception, name: str) -> str:
    code = getattr(error, "verify_code", 0)
    text = UNTRUSTED.get(code, "x509: certificate signed by unknown authority").format(name=name)
    return f"tls: failed to verify certificate: {text}"
