"""The control plane as a process: its parts, wired."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import grpc

from meshctl.pki.authority import Authority
from meshctl.sandbox.xds.istiod import authority, debug, descriptors, roots, secrets, webhook
from meshctl.sandbox.xds.istiod.api import FAULTS, Api, ApiFault, in_pod
from meshctl.sandbox.xds.istiod.authentication import Authenticator
from meshctl.sandbox.xds.istiod.client import Client
from meshctl.sandbox.xds.istiod.discovery import Discovery
from meshctl.sandbox.xds.istiod.identities import Identities
from meshctl.sandbox.xds.istiod.informer import Informer
from meshctl.sandbox.xds.istiod.kinds import ISTIO, KUBERNETES, SECRETS, WEBHOOKS, Kind, Object, config_maps
from meshctl.sandbox.xds.istiod.messages import SECRET, Messages, Resource
from meshctl.sandbox.xds.istiod.mounted import Files
from meshctl.sandbox.xds.istiod.pilot import Pilot
from meshctl.sandbox.xds.istiod.remotes import Remotes
from meshctl.sandbox.xds.istiod.settings import Settings
from meshctl.sandbox.xds.istiod.world import World

LOG = logging.getLogger(__name__)
REMOTE_SYNC_SECONDS, RETRY_SECONDS = 5.0, 1.0
# A big mesh's clusters come in one response. Envoys ping each half minute, which gRPC by itself takes for an attack.
# A proxy that vanished without a word is missed after 40 s (Istio 1.31, pkg/keepalive/options.go).
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 15_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
)


@dataclass(slots=True)
class ControlPlane:
    """One istiod."""

    settings: Settings
    own: Informer = field(init=False)
    remotes: Remotes = field(init=False)
    world: World = field(init=False)
    identities: Identities = field(init=False)
    pilot: Pilot = field(init=False)
    messages: Messages = field(init=False)
    files: Files = field(init=False)
    written: dict[tuple[str, str], str] = field(default_factory=dict)
    _publish: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: bool = False

    async def run(self) -> None:
        """Serve until told to stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.messages = Messages(descriptors.pool(self.settings.envoy))
        async with contextlib.AsyncExitStack() as opened:
            tasks = await self._start(opened)
            await stop.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self, opened: contextlib.AsyncExitStack) -> list[asyncio.Task[None]]:
        settings = self.settings
        api = Api(in_pod(settings.account, settings.server))
        opened.push_async_callback(api.close)
        self.world = World(settings.cluster, settings.namespace)
        self.remotes = Remotes(settings.cluster, self._changed, self._joined, self._left)
        self.own = Informer(
            settings.cluster, api, (*KUBERNETES, config_maps(settings.namespace), *ISTIO, WEBHOOKS), self._changed
        )
        self.pilot = Pilot(self.messages, self.world, self.informers())
        self.files = Files(self._find)
        tasks = [asyncio.create_task(self.own.run())]
        await self.own.synced.wait()
        self.identities = Identities(await self._authority(api), settings.namespace, settings.lifetime)
        await self._remotes_synced()
        self._refresh()
        self._ready = True
        tasks.append(asyncio.create_task(self._publishing()))
        tasks.append(asyncio.create_task(self._pushing()))
        await self._serve(opened)
        return tasks

    def informers(self) -> Mapping[str, Informer]:
        """Every cluster of the mesh, ours first."""
        return _Informers(self)

    def known(self) -> dict[str, Informer]:
        """The clusters of the moment by name, ours first."""
        remotes = {name: one.informer for name, one in self.remotes.known.items()}
        return {self.settings.cluster: self.own, **remotes}

    def credential(self, name: str, client: Client) -> Resource | None:
        """A Kubernetes Secret for a proxy: of its own namespace and cluster, else of ours, only."""
        namespace, secret_name, wants_authority = secrets.reference(name, client.identity.namespace)
        if namespace != client.identity.namespace:
            LOG.warning("proxy %s may not read Secret %s/%s", client.name, namespace, secret_name)
            return None
        candidates = [self.known().get(client.identity.cluster), self.own]
        names = (f"{secret_name}{secrets.CA_SUFFIX}", secret_name) if wants_authority else (secret_name,)
        for informer in filter(None, candidates):
            for one in names:
                found = informer.get(SECRETS.name, namespace, one)
                content = secrets.credential(name, found, authority=wants_authority) if found else None
                if content:
                    return self.messages.resource(SECRET, name, content)
        return None

    def _find(self, cluster: str, kind: str, namespace: str, name: str) -> Object | None:
        informer = self.known().get(cluster)
        return informer.get(kind, namespace, name) if informer else None

    async def _serve(self, opened: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        authenticator = Authenticator(settings.cluster, self._api, lambda: list(self.remotes.known))
        discovery = Discovery(self.messages, self.pilot, self.identities, authenticator, self.credential, self.files)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers(discovery.handlers())
        server.add_secure_port(f"{settings.address}:{settings.secure_port}", self._credentials())
        await opened.enter_async_context(webhook.serving(self, settings.address, settings.webhook_port))
        await opened.enter_async_context(debug.serving(self, settings.address, *settings.debug_ports))
        await server.start()
        opened.push_async_callback(server.stop, 0.1)
        LOG.info("serving %s proxies on %s:%d", settings.cluster, settings.address, settings.secure_port)

    def _credentials(self) -> grpc.ServerCredentials:
        def configuration() -> grpc.ServerCertificateConfiguration:
            pair = self.identities.serving
            return grpc.ssl_server_certificate_configuration([(pair.key, pair.chain)])

        return grpc.dynamic_ssl_server_credentials(configuration(), configuration)

    def _api(self, cluster: str) -> Api | None:
        return self.own.api if cluster == self.settings.cluster else self.remotes.api(cluster)

    def _refresh(self) -> None:
        self.pilot.refresh()
        self.identities.trust_domain = self.world.config.trust_domain

    async def _pushing(self) -> None:
        await self.pilot.run()

    async def _remotes_synced(self) -> None:
        """Wait for the other clusters a while, so that a restart takes no endpoint away from anyone."""
        waiting = [one.informer.synced.wait() for one in self.remotes.known.values()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*waiting), REMOTE_SYNC_SECONDS)

    async def _authority(self, api: Api) -> Authority:
        found = self._signing_secret()
        while not found:
            try:
                made = authority.self_signed(self.world.config.trust_domain, self.settings.namespace, datetime.now(UTC))
                found = await api.ask("POST", f"/api/v1/namespaces/{self.settings.namespace}/secrets", made)
                LOG.warning("no Secret cacerts: this mesh is signed by an authority of its own")
            except (ApiFault, *FAULTS) as fault:
                LOG.error("can't store an authority: %s", fault)
                await asyncio.sleep(RETRY_SECONDS)
                found = self._signing_secret()
        return authority.of_secret(found)

    def _signing_secret(self) -> Object | None:
        names = (authority.CACERTS, authority.SELF_SIGNED)
        found = (self.own.get(SECRETS.name, self.settings.namespace, name) for name in names)
        return next((one for one in found if one), None)

    def _changed(self, cluster: str, kind: Kind, before: Object | None, after: Object | None) -> None:
        if kind.name == SECRETS.name:
            self._secret_changed(cluster, before, after)
        elif kind.name == WEBHOOKS.name:
            self._publish.set()
        else:
            self.world.note(cluster, kind, before, after)
            if kind.name == "Namespace":
                self._publish.set()
            elif kind.name == "Pod":
                self.files.touch()
            self._touch()

    def _secret_changed(self, cluster: str, before: Object | None, after: Object | None) -> None:
        meta = (after or before or {})["metadata"]
        if cluster == self.settings.cluster and meta.get("namespace") == self.settings.namespace:
            self.remotes.take(before, after)
        self.files.touch()
        if self._ready:
            if cluster == self.settings.cluster and after and after is self._signing_secret():
                self.identities.read(after)
                self._publish.set()
            for client in self.pilot.clients:
                if SECRET in client.subscriptions:
                    client.wake.set()

    def _touch(self) -> None:
        if self._ready:
            self.pilot.touch()

    def _joined(self, informer: Informer) -> None:
        self.world.change.clusters.add(informer.cluster)
        self._publish.set()
        self._touch()

    def _left(self, cluster: str) -> None:
        self.world.forget(cluster)
        self._touch()

    async def _publishing(self) -> None:
        """Keep the root and the webhooks' caBundle where they belong."""
        while True:
            self._publish.clear()
            root = self.identities.signer.root.decode()
            done = await roots.publish(self.known(), self.settings.cluster, root, self.written)
            done = await webhook.patch_bundles(self.known(), self.settings.revision, root) and done
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._publish.wait(), None if done else RETRY_SECONDS)


class _Informers(Mapping[str, Informer]):
    """The clusters of the moment, as a mapping that follows them."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def __getitem__(self, name: str) -> Informer:
        return self._plane.known()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plane.known())

    def __len__(self) -> int:
        return len(self._plane.known())
