"""`python -m meshctl.sandbox.controllers --config FILE`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from meshctl.sandbox.controllers import config, namespaces, nodes, tokens
from meshctl.sandbox.controllers.api import FAULTS, Api, ApiFault, session
from meshctl.sandbox.controllers.config import Config
from meshctl.sandbox.controllers.journal import Journal
from meshctl.sandbox.controllers.objects import Objects
from meshctl.sandbox.controllers.services.publisher import Publisher
from meshctl.sandbox.controllers.workloads.deployments import Deployments
from meshctl.sandbox.controllers.workloads.replicasets import ReplicaSets
from meshctl.sandbox.controllers.workloads.scheduler import Scheduler
from meshctl.sandbox.kubelet.agent import Agents

LOG = logging.getLogger(__name__)


def main() -> None:
    """Control until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m meshctl.sandbox.controllers", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="settings, as JSON")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    asyncio.run(_control(config.load(parser.parse_args().config)))


async def _control(settings: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with session(settings) as connections:
        api = Api(settings.server, connections)
        tasks = [asyncio.create_task(_keep(one)) for one in _controllers(api, settings)]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _controllers(api: Api, settings: Config) -> list[Callable[[], Awaitable[None]]]:
    signer = tokens.Signer(settings.account_key)
    objects, journal = Objects(api), Journal(api)
    agents = [lambda: Agents(api, settings, objects, journal).run()] if settings.folder else []
    return [
        objects.follow,
        journal.keep,
        *agents,
        Publisher(api, objects).keep,
        Deployments(api, objects, journal).keep,
        ReplicaSets(api, objects, journal).keep,
        Scheduler(api, objects, journal).keep,
        *(partial(nodes.keep, api, node) for node in settings.nodes),
        partial(namespaces.keep_accounts, api),
        partial(namespaces.mend_accounts, api),
        partial(namespaces.keep_root_ca, api, settings.authority),
        partial(namespaces.mend_root_ca, api, settings.authority),
        partial(tokens.fill, api, signer, settings.authority),
        partial(tokens.follow_accounts, api, signer, settings.authority),
    ]


async def _keep(controller: Callable[[], Awaitable[None]]) -> None:
    """Run a controller for ever; a request that fails starts it over, from a new list."""
    while True:
        try:
            await controller()
        except (*FAULTS, ApiFault) as fault:
            LOG.warning("a controller starts over: %s", fault)
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
