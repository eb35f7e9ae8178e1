"""The life of an API server process: open the store, listen, compact, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

from aiohttp import web

from meshctl.sandbox.apiserver import bootstrap, tls
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.background import background
from meshctl.sandbox.apiserver.cleanup import clean
from meshctl.sandbox.apiserver.config import Config
from meshctl.sandbox.apiserver.front import Front
from meshctl.sandbox.apiserver.garbage import Collector
from meshctl.sandbox.apiserver.storage.store import Store
from meshctl.sandbox.apiserver.termination import terminate

LOG = logging.getLogger(__name__)
COMPACTION_SECONDS = 300.0
KEPT_REVISIONS = 10_000
GRACE = 2.0


async def serve(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; SIGUSR1 forgets the history at once."""
    stop, forget = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, forget.set)
    with Store(config.data_dir) as store:
        api = await bootstrap.api(config, store)
        async with listening(api), background(*_works(api, forget)):
            LOG.info("serving %s on %s port %d", config.cluster_name, config.address, config.port)
            await stop.wait()


@contextlib.asynccontextmanager
async def listening(api: Api) -> AsyncIterator[None]:
    """Accept connections while the block runs."""
    config = api.config
    server = web.Server(Front(api).handle, handler_cancellation=True, access_log=None, keepalive_timeout=3600)
    runner = web.ServerRunner(server)
    await runner.setup()
    context = tls.context(config.serving_cert, config.serving_key, config.client_ca)
    site = web.TCPSite(runner, config.address, config.port, ssl_context=context, shutdown_timeout=GRACE, backlog=512)
    await site.start()
    try:
        yield
    finally:
        await runner.cleanup()


def _works(api: Api, forget: asyncio.Event) -> Iterator[Callable[[], Awaitable[None]]]:
    yield partial(_compact, api.store, forget)
    yield partial(clean, api)
    if api.config.collects:
        yield Collector(api).run
        yield partial(terminate, api)


async def _compact(store: Store, forget: asyncio.Event) -> None:
    """Forget what is older than two rounds, or too much, or everything when told to."""
    earlier = store.version
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(forget.wait(), COMPACTION_SECONDS)
        bound = store.version if forget.is_set() else max(earlier, store.version - KEPT_REVISIONS)
        forget.clear()
        earlier = store.version
        store.compact(bound)
        while store.sweep():
            await asyncio.sleep(0)
