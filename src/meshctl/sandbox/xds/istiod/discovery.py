"""Discovery over gRPC: delta ADS for everything, and the stream of a proxy's own secrets."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf import json_format

from meshctl.sandbox.xds.istiod import mounted, secrets, signing
from meshctl.sandbox.xds.istiod.authentication import Authenticator, Identity, Refused
from meshctl.sandbox.xds.istiod.client import Client, identify
from meshctl.sandbox.xds.istiod.identities import Identities
from meshctl.sandbox.xds.istiod.messages import (
    CLUSTER,
    ENDPOINTS,
    ORDER,
    SECRET,
    Messages,
    Resource,
    delta_response,
    response,
)
from meshctl.sandbox.xds.istiod.mounted import Files
from meshctl.sandbox.xds.istiod.pilot import Pilot
from meshctl.sandbox.xds.istiod.subscription import Subscription
from meshctl.sandbox.xds.secrets import ROOT, WORKLOAD

LOG = logging.getLogger(__name__)
_SERVICES = "envoy.service"
Credentials = Callable[[str, Client], Resource | None]
Context = Any


class Discovery:
    """The services. `credentials`: a Kubernetes Secret that a proxy may have, None if it may not or there is none.

    `files`: what proxies' pods mount.
    """

    def __init__(
        self,
        messages: Messages,
        pilot: Pilot,
        identities: Identities,
        authenticator: Authenticator,
        credentials: Credentials,
        files: Files,
    ) -> None:
        self._messages = messages
        self._pilot = pilot
        self._identities = identities
        self._authenticator = authenticator
        self._credentials = credentials
        self._files = files
        self._numbers = itertools.count(1)

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """What a gRPC server serves."""
        delta, whole = self._messages.delta_request, self._messages.request
        ads = {"DeltaAggregatedResources": _stream(self.resources, delta.FromString)}
        sds = {"StreamSecrets": _stream(self.secrets, whole.FromString)}
        return (
            grpc.method_handlers_generic_handler(f"{_SERVICES}.discovery.v3.AggregatedDiscoveryService", ads),
            grpc.method_handlers_generic_handler(f"{_SERVICES}.secret.v3.SecretDiscoveryService", sds),
            signing.handlers(self._identities, self.identity),
        )

    async def resources(self, requests: AsyncIterator[Any], context: Context) -> None:
        """One proxy's delta ADS stream."""
        who = await self._identified(context)
        first = await anext(requests, None)
        if first is None:
            return
        client = await self._client(first, who, context)
        self._pilot.join(client)
        LOG.info("proxy %s of %s connected", client.name, client.proxy.cluster)
        reading = asyncio.create_task(self._read(client, first, requests))
        try:
            await self._write(client, context, reading)
        finally:
            reading.cancel()
            self._pilot.leave(client)
            LOG.info("proxy %s of %s left", client.name, client.proxy.cluster)

    async def _client(self, first: Any, who: Identity, context: Context) -> Client:
        node = json_format.MessageToDict(first.node, preserving_proto_field_name=True)
        try:
            proxy = identify(node)
        except (KeyError, ValueError, TypeError, AttributeError) as fault:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"node: {fault}")
        if (proxy.namespace, proxy.service_account or who.account) != (who.namespace, who.account):
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"authorization failed: no identities ([{self._identities.spiffe(who)}]) matched "
                f"{proxy.namespace}/{proxy.service_account}",
            )
        metadata = node.get("metadata") or {}
        return Client(node["id"], proxy, who, str(metadata.get("ISTIO_VERSION") or ""), metadata)

    async def _read(self, client: Client, first: Any, requests: AsyncIterator[Any]) -> None:
        _take(client, first)
        async for request in requests:
            _take(client, request)

    async def _write(self, client: Client, context: Context, reading: asyncio.Task[None]) -> None:
        reading.add_done_callback(lambda _: client.wake.set())
        while not reading.done():
            await client.wake.wait()
            client.wake.clear()
            for url in ORDER:
                if url in client.subscriptions:
                    await self._send(client, url, context)

    async def _send(self, client: Client, url: str, context: Context) -> None:
        subscription = client.subscriptions[url]
        due = subscription.due(self._known(client, url, subscription))
        if not due:
            return
        nonce = f"{next(self._numbers):x}"
        if url == CLUSTER and ENDPOINTS in client.subscriptions:
            # A changed cluster waits for its endpoints again, but doesn't ask for them.
            client.subscriptions[ENDPOINTS].forget(
                (one.json.get("eds_cluster_config") or {}).get("service_name", one.name) for one in due.resources
            )
        subscription.give(due, nonce)
        await context.write(delta_response(url, nonce, due.resources, due.removed))

    def _known(self, client: Client, url: str, subscription: Subscription) -> Mapping[str, Resource]:
        if url != SECRET:
            return client.resources.get(url, {})
        found = {name: self._credentials(name, client) for name in subscription.names}
        return {name: one for name, one in found.items() if one}

    async def secrets(self, requests: AsyncIterator[Any], context: Context) -> None:
        """One stream of what Envoy's `sds-grpc` asks for: its own certificate, the mesh's root, files of its pod."""
        who = await self._identified(context)
        first = await anext(requests, None)
        if first is None:
            return
        names = tuple(first.resource_names)
        ended = asyncio.create_task(_drain(requests))
        try:
            if all(map(mounted.is_file, names)):
                await self._send_files(names, _pod(first.node.id, who), who, context, ended)
            while not ended.done():
                changed = self._identities.changed
                found, renew = self._own(names, who)
                if found:
                    nonce = f"{next(self._numbers):x}"
                    await context.write(response(SECRET, nonce, nonce, found))
                await _until(renew, changed, ended)
        finally:
            ended.cancel()

    async def _send_files(
        self, names: tuple[str, ...], pod: str, who: Identity, context: Context, ended: asyncio.Task[None]
    ) -> None:
        """Files now and whenever they change; as long as one is missing there is no answer, as from the agent."""
        sent: list[str] = []
        while not ended.done():
            changed = self._files.changed
            contents = {name: self._files.secret(name, pod, who) for name in names}
            found = [self._messages.resource(SECRET, name, one) for name, one in contents.items() if one]
            versions = [one.version for one in found]
            if found and versions != sent:
                nonce = f"{next(self._numbers):x}"
                await context.write(response(SECRET, nonce, nonce, found))
                sent = versions
            await _until(None, changed, ended)

    def _own(self, names: tuple[str, ...], who: Identity) -> tuple[list[Resource], datetime | None]:
        found, renew = [], None
        for name in names:
            if name == WORKLOAD:
                pair = self._identities.workload(who)
                renew = pair.renew
                found.append(self._messages.resource(SECRET, name, secrets.certificate(name, pair)))
            elif name == ROOT:
                content = secrets.root(name, self._identities.signer.root)
                found.append(self._messages.resource(SECRET, name, content))
        return found, renew

    async def identity(self, context: Context) -> Identity:
        """Who calls; Refused, and the reason is in the log alone."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        try:
            return await self._authenticator.identify(metadata)
        except Refused as reason:
            LOG.warning("Failed to authenticate client from %s: %s", context.peer(), reason)
            raise

    async def _identified(self, context: Context) -> Identity:
        try:
            return await self.identity(context)
        except Refused:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "authentication failure")
            raise


def _pod(node: str, who: Identity) -> str:
    """The pod's name in a node id TYPE~IP~POD.NAMESPACE~DOMAIN."""
    return (*node.split("~"), "", "", "")[2].removesuffix(f".{who.namespace}")


def _take(client: Client, request: Any) -> None:
    subscription = client.subscriptions.setdefault(request.type_url, Subscription())
    if request.response_nonce:
        error: str = request.error_detail.message if request.HasField("error_detail") else ""
        subscription.answer(request.response_nonce, error)
        if error:
            LOG.warning("proxy %s refuses %s: %s", client.name, request.type_url.rpartition(".")[2], error)
        if not (request.resource_names_subscribe or request.resource_names_unsubscribe):
            return
    subscription.ask(
        request.resource_names_subscribe, request.resource_names_unsubscribe, request.initial_resource_versions
    )
    client.wake.set()


async def _drain(requests: AsyncIterator[Any]) -> None:
    async for request in requests:
        if request.HasField("error_detail"):
            LOG.warning("a proxy refuses its secrets: %s", request.error_detail.message)


async def _until(renew: datetime | None, changed: asyncio.Event, ended: asyncio.Task[None]) -> None:
    """Wait until it is time to renew, the authority changed or the stream ended."""
    seconds = max(0.0, (renew - datetime.now(UTC)).total_seconds()) if renew else None
    waiting = asyncio.create_task(changed.wait())
    await asyncio.wait((waiting, ended), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _stream(serve: Callable[..., Any], parse: Callable[[bytes], Any]) -> grpc.RpcMethodHandler:
    return grpc.stream_stream_rpc_method_handler(serve, parse, None)
