"""The other clusters of the mesh: a watch of each API server that a remote secret names."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from meshctl.sandbox.xds.istiod.api import Address, Api, of_kubeconfig
from meshctl.sandbox.xds.istiod.informer import Informer, OnChange
from meshctl.sandbox.xds.istiod.kinds import KUBERNETES, WEBHOOKS, Object

LOG = logging.getLogger(__name__)
LABEL = "istio/multiCluster"
Started = Callable[[Informer], Awaitable[None]]


@dataclass(slots=True)
class Remote:
    """A cluster, the Secret that brought it and the task that follows it."""

    secret: tuple[str, str]
    content: bytes
    informer: Informer
    task: asyncio.Task[None]


@dataclass(slots=True)
class Remotes:
    """`on_join` and `on_leave` tell of clusters that are read for the first time, or not any more."""

    primary: str
    on_change: OnChange
    on_join: Callable[[Informer], None]
    on_leave: Callable[[str], None]
    known: dict[str, Remote] = field(default_factory=dict)
    faults: dict[tuple[str, str], str] = field(default_factory=dict)
    _ended: set[asyncio.Task[None]] = field(default_factory=set)

    def api(self, cluster: str) -> Api | None:
        """The API server of a remote cluster."""
        remote = self.known.get(cluster)
        return remote.informer.api if remote else None

    def take(self, before: Object | None, after: Object | None) -> None:
        """A Secret was added, changed or deleted."""
        wanted = dict(_entries(after)) if after and _is_remote(after) else {}
        meta = (after or before or {})["metadata"]
        owner = meta.get("namespace", ""), meta["name"]
        for cluster in [name for name, one in self.known.items() if one.secret == owner and name not in wanted]:
            LOG.info("remote cluster %s: Secret %s is gone: leaving it", cluster, "/".join(owner))
            self._stop(cluster)
        self.faults.pop(owner, None)
        for cluster, content in wanted.items():
            self._start(cluster, content, owner)

    def _start(self, cluster: str, content: bytes, owner: tuple[str, str]) -> None:
        known = self.known.get(cluster)
        if known and known.content == content:
            return
        try:
            if cluster == self.primary:
                raise ValueError("it is this cluster's own name")
            if known and known.secret != owner:
                raise ValueError(f"Secret {'/'.join(known.secret)} names it already")
            address = of_kubeconfig(content)
            informer = self._informer(cluster, address)
        except (ValueError, OSError) as fault:
            self.faults[owner] = f"cluster {cluster}: {fault}"
            LOG.error("remote secret %s: cluster %s is not read: %s", "/".join(owner), cluster, fault)
            return
        if known:
            self._stop(cluster, changed=True)
        LOG.info("remote cluster %s: reading %s", cluster, address.server)
        task = asyncio.create_task(informer.run())
        self.known[cluster] = Remote(owner, content, informer, task)
        joining = asyncio.create_task(self._join(informer))
        self._ended.add(joining)
        joining.add_done_callback(self._ended.discard)

    def _informer(self, cluster: str, address: Address) -> Informer:
        return Informer(cluster, Api(address), (*KUBERNETES, WEBHOOKS), self.on_change)

    async def _join(self, informer: Informer) -> None:
        await informer.synced.wait()
        LOG.info("remote cluster %s: read", informer.cluster)
        self.on_join(informer)

    def _stop(self, cluster: str, *, changed: bool = False) -> None:
        """Stop reading a cluster. One whose Secret changed keeps its last endpoints until it is read anew."""
        remote = self.known.pop(cluster)
        remote.task.cancel()
        closing = asyncio.create_task(_close(remote))
        self._ended.add(closing)
        closing.add_done_callback(self._ended.discard)
        if not changed:
            self.on_leave(cluster)


async def _close(remote: Remote) -> None:
    await asyncio.gather(remote.task, return_exceptions=True)
    await remote.informer.api.close()


def _is_remote(secret: Object) -> bool:
    return (secret["metadata"].get("labels") or {}).get(LABEL) == "true"


def _entries(secret: Object) -> Iterator[tuple[str, bytes]]:
    for cluster, text in (secret.get("data") or {}).items():
        try:
            yield cluster, base64.b64decode(text)
        except (binascii.Error, ValueError):
            LOG.error("remote secret %s: %s is not base64", secret["metadata"]["name"], cluster)
