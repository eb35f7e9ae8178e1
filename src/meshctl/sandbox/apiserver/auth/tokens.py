"""Bearer tokens: a file of fixed ones, and service accounts' signed ones."""

from __future__ import annotations

import csv
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from meshctl.sandbox.apiserver.auth.jwt import Claims, Signer
from meshctl.sandbox.apiserver.auth.user import CREDENTIAL, User, account_groups, account_name

NOT_OURS = "invalid bearer token"
PODS = "authentication.kubernetes.io/pod-"
NODES = "authentication.kubernetes.io/node-"
BOUND = MappingProxyType({"pod": ("pods", PODS), "secret": ("secrets", ""), "node": ("nodes", NODES)})
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY = "kubernetes.io/serviceaccount/"

Lookup = Callable[[str, str, str], Mapping[str, Any] | None]
"""The object of a storage, namespace and name, if it exists."""


class InvalidToken(Exception):
    """Why a token is refused; several reasons are joined as Go joins errors."""


class StaticTokens:
    """The token file, kept as digests: a lookup takes the same time for any token."""

    def __init__(self, path: Path | None) -> None:
        self._users: dict[bytes, User] = {}
        if path:
            with path.open(newline="") as file:
                for token, name, uid, *groups in csv.reader(file):
                    members = tuple(filter(None, groups[0].split(","))) if groups else ()
                    self._users[_digest(token)] = User(name, uid, members)

    def user(self, token: str) -> User | None:
        """Whose token it is."""
        return self._users.get(_digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class AccountTokens:
    """Issues and judges the tokens of service accounts."""

    def __init__(self, signer: Signer, issuer: str, lookup: Lookup) -> None:
        self._signer = signer
        self._issuer = issuer
        self._lookup = lookup

    def issue(
        self, account: Mapping[str, Any], audiences: Sequence[str], seconds: int, bound: Claims
    ) -> tuple[str, int]:
        """A token and when it expires (seconds since 1970); `bound` names the objects that it lives as long as."""
        now, metadata = int(time.time()), account["metadata"]
        subject = {"name": metadata["name"], "uid": metadata["uid"]}
        claims: Claims = {"aud": list(audiences), "exp": now + seconds, "iat": now, "iss": self._issuer}
        claims["jti"] = str(uuid.uuid4())
        claims["kubernetes.io"] = {"namespace": metadata["namespace"], **bound, "serviceaccount": subject}
        claims["nbf"] = now
        claims["sub"] = account_name(metadata["namespace"], metadata["name"])
        return self._signer.sign(claims), now + seconds

    def issue_unbounded(self, account: Mapping[str, Any], secret: str) -> str:
        """The token of a Secret of type kubernetes.io/service-account-token: it ends with its Secret."""
        metadata = account["metadata"]
        claims: Claims = {"iss": LEGACY_ISSUER, LEGACY + "namespace": metadata["namespace"]}
        claims[LEGACY + "secret.name"] = secret
        claims[LEGACY + "service-account.name"] = metadata["name"]
        claims[LEGACY + "service-account.uid"] = metadata["uid"]
        claims["sub"] = account_name(metadata["namespace"], metadata["name"])
        return self._signer.sign(claims)

    def user(self, token: str, audiences: Sequence[str]) -> tuple[User, tuple[str, ...]] | None:
        """Whose token it is, and for which of the audiences; None if it is none of ours, InvalidToken if void."""
        claims = self._signer.verify(token)
        if claims is None:
            return None
        if claims.get("iss") == LEGACY_ISSUER:
            return self._legacy_user(claims, token), tuple(audiences)
        return self._bound_user(claims), self._common(claims, audiences)

    def _common(self, claims: Claims, audiences: Sequence[str]) -> tuple[str, ...]:
        common = tuple(one for one in audiences if one in claims["aud"])
        if not common:
            theirs, ours = (" ".join(f'"{one}"' for one in names) for names in (claims["aud"], audiences))
            raise InvalidToken(f"token audiences [{theirs}] is invalid for the target audiences [{ours}]")
        return common

    def _bound_user(self, claims: Claims) -> User:
        now = time.time()
        if now > claims["exp"]:
            raise InvalidToken("service account token has expired")
        if now < claims["nbf"] - 10:
            raise InvalidToken("service account token is not valid yet")
        held = claims["kubernetes.io"]
        namespace, account = held["namespace"], held["serviceaccount"]
        self._living("serviceaccounts", namespace, account, "service account")
        extra = {CREDENTIAL: (f"JTI={claims['jti']}",)}
        for kind, storage, prefix in (
            ("pod", "pods", PODS),
            ("secret", "secrets", ""),
            ("node", "nodes", NODES),
        ):
            if kind in held:
                self._living(storage, "" if kind == "node" else namespace, held[kind], kind)
                extra |= {prefix + part: (held[kind][part],) for part in ("name", "uid") if prefix}
        return User(account_name(namespace, account["name"]), account["uid"], account_groups(namespace), extra)

    def _living(self, storage: str, namespace: str, named: Mapping[str, str], what: str) -> None:
        found = self._lookup(storage, namespace, named["name"])
        if found is None:
            raise InvalidToken(f'{storage} "{named["name"]}" not found')
        if found["metadata"]["uid"] != named["uid"]:
            raise InvalidToken(f"{what} UID ({found['metadata']['uid']}) does not match claim ({named['uid']})")

    def _legacy_user(self, claims: Claims, token: str) -> User:
        namespace, name = claims[LEGACY + "namespace"], claims[LEGACY + "service-account.name"]
        uid = claims[LEGACY + "service-account.uid"]
        secret = self._lookup("secrets", namespace, claims[LEGACY + "secret.name"])
        if secret is None or not hmac.compare_digest(_secret_token(secret), token):
            raise InvalidToken("service account token has been invalidated")
        self._living("serviceaccounts", namespace, {"name": name, "uid": uid}, "service account")
        return User(account_name(namespace, name), uid, account_groups(namespace))


def _secret_token(secret: Mapping[str, Any]) -> str:
    from base64 import b64decode

    return b64decode((secret.get("data") or {}).get("token", "")).decode(errors="replace")
