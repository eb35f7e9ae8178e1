"""The authority of the moment and what it signs: workload certificates, the serving certificate, the root."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from meshctl.pki.authority import Authority
from meshctl.pki.workload import DEFAULT_LIFETIME
from meshctl.sandbox.xds.identity import spiffe
from meshctl.sandbox.xds.istiod import authority
from meshctl.sandbox.xds.istiod.authentication import Identity
from meshctl.sandbox.xds.istiod.authority import Pair

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Identities:
    """`changed` is set anew at each change of the authority, and replaced."""

    signer: Authority
    namespace: str = "istio-system"
    lifetime: timedelta = DEFAULT_LIFETIME
    trust_domain: str = "cluster.local"
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    serving: Pair = field(init=False)

    def __post_init__(self) -> None:
        self.serving = authority.serving(self.signer, self.namespace)

    def workload(self, who: Identity) -> Pair:
        """A new certificate for a service account."""
        return authority.workload(self.signer, self.spiffe(who), self.lifetime)

    def spiffe(self, who: Identity) -> str:
        """The identity that certificates bear."""
        return spiffe(self.trust_domain, who.namespace, who.account)

    def read(self, secret: Mapping[str, Any]) -> None:
        """Take the authority of a changed Secret; one that is unusable leaves the last."""
        try:
            signer = authority.of_secret(secret)
        except ValueError as fault:
            LOG.error("%s; the authority stays", fault)
            return
        if signer == self.signer:
            return
        self.signer = signer
        self.serving = authority.serving(signer, self.namespace)
        LOG.info("the authority changed: every proxy gets a new certificate")
        self.changed.set()
        self.changed = asyncio.Event()
