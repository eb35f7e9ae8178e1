"""What `reset` does, in order: heals, deletes what others applied, takes their fields away, and builds as `up` does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshctl import outages, provision
from meshctl.errors import Refused
from meshctl.kube.client import ApiError, Client
from meshctl.labs import journal, live
from meshctl.mesh.clusters import together
from meshctl.outages import Outage
from meshctl.providers.provider import Provider
from meshctl.provision import HOSTS, KUBERNETES, STEPS, Selection
from meshctl.reset import survey
from meshctl.reset.foreign import Addition
from meshctl.reset.survey import Found
from meshctl.runner.request import Event
from meshctl.topology import Topology

OUTAGES, LABS, OBJECTS, FIELDS = "outages", "labs", "objects", "fields"
REST = tuple(step for step in STEPS if step not in (HOSTS, KUBERNETES))
GONE_SECONDS, POLL_SECONDS = 20.0, 0.1


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answers, and what is to be undone in it."""

    name: str
    client: Client
    found: Found


def undo(topology: Topology, provider: Provider, others: dict[str, tuple[str, ...]]) -> Iterator[Event]:
    """Do it; the events say what changed on which host and in which cluster.

    `others` is filled with the namespaces that were left alone, by cluster.
    """
    # Each of these is in the next one's way: dead hosts, then cut packets, then dead API servers.
    yield from provision.up(topology, provider, Selection((HOSTS,)))
    yield Event("step", step=OUTAGES)
    yield _event(provider.name, OUTAGES, map(_outage, outages.heal(topology, provider).changed))
    yield from provision.up(topology, provider, Selection((KUBERNETES,)))
    yield Event("step", step=LABS)
    yield _event(provider.name, LABS, _faults(topology, provider, mend=True))
    reached = _clusters(topology, provider, others)
    yield Event("step", step=OBJECTS)
    together(_delete, reached)
    yield from _strays(reached)
    yield Event("step", step=FIELDS)
    together(_strip, reached)
    yield from _additions(reached)
    yield from provision.up(topology, provider, Selection(REST))


def foresee(topology: Topology, provider: Provider, others: dict[str, tuple[str, ...]]) -> Iterator[Event]:
    """The same, and nothing is changed. What stands on something that is missing can't be read."""
    for event in provision.plan(topology, provider, Selection((HOSTS,))):
        yield event
        if event.diff:
            return
    yield Event("step", step=OUTAGES)
    yield _event(provider.name, OUTAGES, map(_outage, outages.current(topology, provider)))
    for event in provision.plan(topology, provider, Selection((KUBERNETES,))):
        yield event
        if event.diff:
            return
    yield Event("step", step=LABS)
    yield _event(provider.name, LABS, _faults(topology, provider, mend=False))
    reached = _clusters(topology, provider, others)
    yield Event("step", step=OBJECTS)
    yield from _strays(reached)
    yield Event("step", step=FIELDS)
    yield from _additions(reached)
    yield from provision.plan(topology, provider, Selection(REST))


def _faults(topology: Topology, provider: Provider, mend: bool) -> Iterator[str]:
    """Pods that a lab makes fail: what else a lab does is an outage, an object or a number of replicas."""
    if not provider.forwarded():
        return
    environment = live.live(topology, provider)
    for outage in journal.noted(environment):
        if outage.kind != "failing":
            continue
        if mend:
            # Of pods that are gone, or will be, no fault needs to be taken.
            with contextlib.suppress(ApiError, Refused):
                environment.heal(outage)
        yield f"- fault {journal.words(outage)}"


def _clusters(topology: Topology, provider: Provider, others: dict[str, tuple[str, ...]]) -> list[Cluster]:
    clients = {name: Client(access) for name, access in provider.forwarded().items()}
    found = together(lambda name: survey.survey(clients[name], topology, topology.cluster(name)), clients)
    others.update({name: one.others for name, one in zip(clients, found, strict=True) if one.others})
    return [Cluster(name, client, one) for (name, client), one in zip(clients.items(), found, strict=True)]


def _strays(reached: Sequence[Cluster]) -> Iterator[Event]:
    return (_event(one.name, OBJECTS, (f"- {stray}" for stray in one.found.strays)) for one in reached)


def _additions(reached: Sequence[Cluster]) -> Iterator[Event]:
    for one in reached:
        yield _event(one.name, FIELDS, (f"- {line}" for added in one.found.additions for line in added.lines))


def _delete(cluster: Cluster) -> None:
    for one in cluster.found.strays:
        cluster.client.remove(one.where)
    deadline = time.monotonic() + GONE_SECONDS
    while any(cluster.client.read(one.where) is not None for one in cluster.found.strays):
        if time.monotonic() > deadline:
            names = ", ".join(map(str, cluster.found.strays))
            raise ApiError(f"{cluster.name}: {names} did not go within {GONE_SECONDS:.0f} s; is a finalizer on them?")
        time.sleep(POLL_SECONDS)


def _strip(cluster: Cluster) -> None:
    for one in cluster.found.additions:
        operations = [{"op": "remove", "path": path} for path in one.removals]
        try:
            cluster.client.patch(one.where, operations)
        except ApiError as error:
            if not 400 <= error.code < 500:
                raise
            _strip_singly(cluster.client, one)


def _strip_singly(client: Client, addition: Addition) -> None:
    """A field that the object can't be without stays: the deploys give it its value."""
    for path in addition.removals:
        try:
            client.patch(addition.where, [{"op": "remove", "path": path}])
        except ApiError as error:
            if not 400 <= error.code < 500:
                raise


def _event(host: str, step: str, lines: Iterator[str]) -> Event:
    return Event("operation", host, step, step.capitalize(), tuple(lines))


def _outage(one: Outage) -> str:
    return f"- outage {one}"
