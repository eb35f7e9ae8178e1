"""What every request handler works with: the store, what is served, who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.auth.authentication import Authenticator
from meshctl.sandbox.apiserver.auth.jwt import Signer
from meshctl.sandbox.apiserver.auth.rbac import Authorizer
from meshctl.sandbox.apiserver.auth.tokens import AccountTokens
from meshctl.sandbox.apiserver.config import Config
from meshctl.sandbox.apiserver.resources.catalog import Catalog
from meshctl.sandbox.apiserver.storage.store import Store
from meshctl.sandbox.apiserver.strategy.addresses import Addresses

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """One API server's parts."""

    config: Config
    store: Store
    catalog: Catalog
    signer: Signer
    accounts: AccountTokens
    authenticator: Authenticator
    authorizer: Authorizer
    addresses: Addresses

    def lookup(self, storage: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The stored object of a storage, without kind and apiVersion; None if there is none."""
        stored = self.store.get(storage, f"{namespace}/{name}" if namespace else name)
        return stored.load() if stored else None
