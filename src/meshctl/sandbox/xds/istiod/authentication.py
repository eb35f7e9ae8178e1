"""Who calls: the service account of a bearer token, as the API server of the caller's own cluster says."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meshctl.sandbox.xds.istiod.api import FAULTS, Api, ApiFault

LOG = logging.getLogger(__name__)
AUDIENCE = "istio-ca"
REMEMBERED_SECONDS = 20.0
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCOUNT = "system:serviceaccount:"


class Refused(Exception):
    """A caller that is not let in; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A service account of a cluster."""

    cluster: str
    namespace: str
    account: str


class Authenticator:
    """Checks tokens. `apis`: the API server of a cluster by name, None if it is unknown; `local`: our own cluster."""

    def __init__(self, local: str, apis: Callable[[str], Api | None], known: Callable[[], list[str]]) -> None:
        self._local = local
        self._apis = apis
        self._known = known
        self._remembered: dict[str, tuple[float, Identity]] = {}

    async def identify(self, metadata: Mapping[str, str]) -> Identity:
        """The caller of a request with these headers; Refused."""
        token = _token(metadata.get("authorization"))
        cluster = metadata.get("clusterid") or self._local
        key = hashlib.sha256(f"{cluster} {token}".encode()).hexdigest()
        now = time.monotonic()
        self._remembered = {one: kept for one, kept in self._remembered.items() if kept[0] > now}
        if key not in self._remembered:
            found = await self._review(cluster, token)
            self._remembered[key] = now + REMEMBERED_SECONDS, found
        return self._remembered[key][1]

    async def _review(self, cluster: str, token: str) -> Identity:
        api = self._apis(cluster)
        if api is None:
            raise Refused(
                f'client claims to be in cluster "{cluster}", but we only know about local cluster "{self._local}"'
                f" and remote clusters [{' '.join(self._known())}]"
            )
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        try:
            status = (await api.ask("POST", REVIEWS, body)).get("status") or {}
        except (ApiFault, *FAULTS) as fault:
            raise Refused(f'failed to validate the JWT from cluster "{cluster}": {fault}') from None
        return _identity(cluster, status)


def _token(header: str | None) -> str:
    if header is None:
        raise Refused("target JWT extraction error: no HTTP authorization header exists")
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token:
        raise Refused("target JWT extraction error: no bearer token exists in HTTP authorization header")
    return token.strip()


def _identity(cluster: str, status: Mapping[str, object]) -> Identity:
    place = f'failed to validate the JWT from cluster "{cluster}"'
    if not status.get("authenticated"):
        reason = status.get("error") or "the token is not authenticated"
        raise Refused(f"{place}: the service account authentication returns an error: {reason}")
    audiences = status.get("audiences") or []
    if not isinstance(audiences, list) or AUDIENCE not in audiences:
        raise Refused(f'{place}: token audiences {audiences} is invalid for the target audiences ["{AUDIENCE}"]')
    user = status.get("user")
    name = str(user.get("username")) if isinstance(user, dict) else ""
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    if not name.startswith(_ACCOUNT) or not account:
        raise Refused(f"{place}: {name or 'the caller'} is no service account")
    return Identity(cluster, namespace, account)
