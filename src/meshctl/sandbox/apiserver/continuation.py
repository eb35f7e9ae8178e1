"""Where a list goes on: k8s.io/apiserver/pkg/storage, continue tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass

from meshctl.sandbox.apiserver.auth.jwt import decode64, encode64
from meshctl.sandbox.apiserver.failure import bad_request
from meshctl.sandbox.apiserver.patch.gosyntax import syntax_error

FORM = "meta.k8s.io/v1"
INCONSISTENT = -1


@dataclass(frozen=True, slots=True)
class Continuation:
    """The version of the list's first page, and the last key that was sent, relative to the collection."""

    version: int
    start: str

    @property
    def text(self) -> str:
        """The token; the key's NUL makes it the smallest key behind the one sent."""
        token = {"v": FORM, "rv": self.version, "start": f"{self.start}\0"}
        return encode64(json.dumps(token, separators=(",", ":")).encode())

    @classmethod
    def parse(cls, text: str) -> Continuation:
        """A client's token; Failure 400 in the original's words."""
        try:
            data = decode64(text)
        except ValueError:
            raise _invalid("continue key is not valid: illegal base64 data") from None
        if problem := syntax_error(data):
            raise _invalid(f"continue key is not valid: {problem}")
        return cls._read(json.loads(data))

    @classmethod
    def _read(cls, token: object) -> Continuation:
        fields = token if isinstance(token, dict) else {}
        version, start = fields.get("rv"), fields.get("start")
        if fields.get("v") != FORM:
            raise _invalid(
                f'continue key is not valid: server does not recognize this encoded version "{fields.get("v", "")}"'
            )
        if not isinstance(version, int) or version == 0:
            raise _invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        if not isinstance(start, str) or not start:
            raise _invalid("continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")
        return cls(version, start.rstrip("\0"))


def _invalid(message: str) -> Exception:
    return bad_request(f"invalid continue token: {message}")
