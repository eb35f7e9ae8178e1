"""A small client of one Kubernetes API: certificates, JSON, server-side apply."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from meshctl.errors import MeshctlError
from meshctl.kube.access import Access, collection, path

FIELD_MANAGER = "meshctl"
SECONDS = 10.0
CONNECTIONS = 8
Object = dict[str, Any]


class ApiError(MeshctlError):
    """What the API server refused, in its own words; `code` is the HTTP status, 0 if it did not answer."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """Requests to one server, over connections that are kept."""

    def __init__(self, access: Access, seconds: float = SECONDS) -> None:
        self._server = access.server
        self._pool = urllib3.PoolManager(
            ca_certs=access.authority,
            cert_file=access.certificate,
            key_file=access.key,
            timeout=seconds,
            maxsize=CONNECTIONS,
            retries=urllib3.Retry(0),
        )

    def get(self, manifest: Mapping[str, Any]) -> Object | None:
        """The live object of that kind, namespace and name, or None."""
        return self.read(path(manifest))

    def read(self, where: str) -> Object | None:
        """What lies at a path, or None."""
        try:
            return self._ask("GET", where)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def create(self, manifest: Mapping[str, Any]) -> bool:
        """Create an object; False if there is one already."""
        try:
            self._ask("POST", f"{collection(manifest)}?fieldManager={FIELD_MANAGER}", manifest)
        except ApiError as error:
            if error.code == 409:
                return False
            raise
        return True

    def apply(self, manifest: Mapping[str, Any]) -> Object:
        """Server-side apply: the object has these fields, whoever else claims them."""
        where = f"{path(manifest)}?fieldManager={FIELD_MANAGER}&force=true"
        return self._ask("PATCH", where, manifest, "application/apply-patch+yaml")

    def merge(self, manifest: Mapping[str, Any], change: Mapping[str, Any]) -> Object:
        """Merge a change into an object that is there; fields that are not named stay whose they are."""
        where = f"{path(manifest)}?fieldManager={FIELD_MANAGER}-restart"
        return self._ask("PATCH", where, change, "application/merge-patch+json")

    def attempt(self, manifest: Mapping[str, Any]) -> Object:
        """What an object would become if it were created; ApiError says why it would be refused."""
        return self._ask("POST", f"{collection(manifest)}?dryRun=All", manifest)

    def items(self, where: str) -> list[Object]:
        """The objects of a collection; none if there is no such collection."""
        return list((self.read(where) or {}).get("items") or ())

    def delete(self, manifest: Mapping[str, Any]) -> bool:
        """Delete an object; False if there is none."""
        try:
            self._ask("DELETE", path(manifest))
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    def remove(self, where: str) -> bool:
        """Delete the object at a path; False if there is none."""
        try:
            self._ask("DELETE", where)
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    def patch(self, where: str, operations: Sequence[Mapping[str, Any]]) -> Object:
        """Change the object at a path by the operations of a JSON patch (RFC 6902)."""
        return self._ask(
            "PATCH", f"{where}?fieldManager={FIELD_MANAGER}-reset", operations, "application/json-patch+json"
        )

    def text(self, where: str) -> bytes:
        """What lies at a path, as it is."""
        answer = self._send("GET", where)
        if answer.status >= 400:
            _document(answer.status, answer.data, f"GET {where}")
        return answer.data

    def follow(self, where: str, seconds: float | None = None) -> Iterator[bytes]:
        """What lies at a path, in pieces as they come, for as long as it grows; ApiError after `seconds` of silence."""
        timeout = urllib3.Timeout(connect=SECONDS, read=seconds)
        answer = self._send("GET", where, preload_content=False, timeout=timeout)
        try:
            if answer.status >= 400:
                _document(answer.status, answer.data, f"GET {where}")
            yield from answer.stream(None)
        except HTTPError as error:
            raise ApiError(f"the API server {self._server} broke off ({_reason(error)})") from None
        finally:
            answer.close()

    def healthy(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            return self._pool.request("GET", f"{self._server}/readyz").status == 200
        except HTTPError:
            return False

    def _ask(self, method: str, where: str, body: object = None, media: str = "application/json") -> Object:
        data = None if body is None else json.dumps(body).encode()
        answer = self._send(method, where, body=data, headers={"Content-Type": media})
        return _document(answer.status, answer.data, f"{method} {where}")

    def _send(self, method: str, where: str, **options: Any) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, self._server + where, **options)
        except HTTPError as error:
            raise ApiError(f"the API server {self._server} does not answer ({_reason(error)})") from None


def _reason(error: BaseException) -> str:
    """The system's own words, without urllib3's objects around them."""
    inner = getattr(error, "reason", None) or error.__cause__
    if isinstance(inner, BaseException):
        return _reason(inner)
    return getattr(error, "strerror", None) or str(error).rpartition(": ")[2]


def _document(status: int, data: bytes, what: str) -> Object:
    try:
        found = json.loads(data)
    except ValueError:
        found = {"message": data.decode(errors="replace")[:200]}
    if status >= 400:
        raise ApiError(found.get("message") or f"{what}: HTTP status {status}", status)
    return dict(found)
