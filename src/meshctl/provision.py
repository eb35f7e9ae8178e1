"""What `up` does, in order; `plan` reads the same list, `down` undoes it backwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from meshctl import outages
from meshctl.errors import UsageError
from meshctl.providers import certificates, data
from meshctl.providers.provider import Provider
from meshctl.runner.process import run
from meshctl.runner.request import APPLY, PLAN, Event, Request, Step, Target
from meshctl.topology import Topology

HOSTS, KUBERNETES, CERTIFICATES = "hosts", "kubernetes", "certificates"
Clusters = Literal["all", "primary", "remotes"]
# Not a step that one chooses: what the deploys among the steps begin with.
CONNECT = "connect"


@dataclass(frozen=True, slots=True)
class Deploy:
    """One step of `up`: its name, what it does, and whether it is about a cluster's objects and not about hosts.

    The scripts under deploys/ that do and undo it are named after it. `clusters`: all, the primary or the remotes;
    `lasting`: whether there is anything to undo; `vital`: whether all that comes after it stands on it.
    """

    name: str
    title: str
    objects: bool = True
    clusters: Clusters = "all"
    lasting: bool = True
    vital: bool = False

    @property
    def script(self) -> str:
        """The script that does it."""
        return self.name.replace("-", "_") + ".py"

    @property
    def undo(self) -> str:
        """The script that undoes it."""
        return self.name.replace("-", "_") + "_absent.py"


DEPLOYS = (
    Deploy("host-settings", "kernel settings for forwarding", objects=False),
    Deploy("routes", "static routes between clusters of one network", objects=False),
    Deploy("node-labels", "the localities of nodes, before any pod starts"),
    Deploy("namespaces", "namespaces, with the label of the cluster's network"),
    Deploy("cacerts", "istiod's signing certificates"),
    Deploy("istio-operators", "IstioOperator files"),
    Deploy("istio-readers", "the primary's account in each remote cluster", clusters="remotes"),
    # Before istiod starts: it waits for the clusters that it knows then, and pushes once.
    Deploy("remote-secrets", "the primary's way into each remote cluster", clusters="primary"),
    Deploy("exposure", "what the east-west gateways let through", clusters="primary"),
    Deploy("istio", "the primary's control plane and gateways", clusters="primary", vital=True),
    Deploy("eastwest", "the primary's east-west gateway, the remotes' way to istiod", clusters="primary", vital=True),
    Deploy("istio-remotes", "the remotes' gateways, and what joins them to the mesh", clusters="remotes"),
    Deploy("eastwest-remotes", "the remotes' east-west gateways", clusters="remotes"),
    Deploy("bookinfo", "Bookinfo and the way into it"),
    Deploy("rollout", "restarts of what is older than what it read, and everything ready", lasting=False),
)
STEPS = (HOSTS, KUBERNETES, CERTIFICATES, *(deploy.name for deploy in DEPLOYS))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which steps a command runs: only those named, or all from one on."""

    only: tuple[str, ...] = ()
    start: str | None = None
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        unknown = [name for name in (*self.only, *filter(None, [self.start])) if name not in STEPS]
        if unknown:
            raise UsageError(f"step {', '.join(unknown)} is unknown; expected {', '.join(STEPS)}")
        if self.only and self.start:
            raise UsageError("--only and --from exclude each other; give one of them")
        first = STEPS.index(self.start) if self.start else 0
        names = [name for name in STEPS[first:] if not self.only or name in self.only]
        object.__setattr__(self, "names", tuple(names))

    def founded_on(self, step: str) -> tuple[str, ...]:
        """The selected steps whose difference can't be read before what `step` makes is there."""
        return self.names[self.names.index(step) + 1 :] if step in (HOSTS, KUBERNETES) else ()

    def deploys(self) -> tuple[Deploy, ...]:
        """The selected deploys in order."""
        return tuple(deploy for deploy in DEPLOYS if deploy.name in self.names)


@dataclass(frozen=True, slots=True)
class Foundation:
    """A step that is no deploy: what makes it, and what it would make, as lines; `bears` if deploys stand on it."""

    name: str
    make: Callable[[], tuple[str, ...]]
    missing: Callable[[], tuple[str, ...]]
    bears: bool = True


def _foundations(topology: Topology, provider: Provider, selection: Selection) -> list[Foundation]:
    found = [Foundation(HOSTS, provider.create, provider.pending)]
    if topology.provider == "sandbox":
        complete, missing = partial(certificates.complete, topology), partial(certificates.missing, topology)
        found.append(Foundation(KUBERNETES, provider.serve, provider.unserved))
        found.append(Foundation(CERTIFICATES, complete, missing, bears=False))
    return [one for one in found if one.name in selection.names]


def up(topology: Topology, provider: Provider, selection: Selection) -> Iterator[Event]:
    """Build what is missing and mend what is wrong; the events say what changed on which host."""
    for one in _foundations(topology, provider, selection):
        yield Event("step", step=one.name)
        yield Event("operation", provider.name, one.name, one.name.capitalize(), one.make())
    yield from _run(topology, provider, APPLY, [(deploy, deploy.script) for deploy in selection.deploys()])


def plan(topology: Topology, provider: Provider, selection: Selection) -> Iterator[Event]:
    """What `up` would change; nothing is changed. What stands on something that is missing can't be read."""
    for one in _foundations(topology, provider, selection):
        yield Event("step", step=one.name)
        missing = one.missing()
        yield Event("operation", provider.name, one.name, one.name.capitalize(), missing)
        if missing and one.bears:
            return
    yield from _run(topology, provider, PLAN, [(deploy, deploy.script) for deploy in selection.deploys()])


def down(topology: Topology, provider: Provider) -> Iterator[Event]:
    """Undo every deploy on hosts that stay, in reverse order, then take away the hosts that `up` made."""
    if provider.name == "ssh":
        healed = outages.heal(topology, provider).changed
        yield Event("operation", provider.name, HOSTS, "Outages", tuple(f"- outage {one}" for one in healed))
        yield from _run(topology, provider, APPLY, _undoing())
    yield Event("step", step=HOSTS)
    yield Event("operation", provider.name, HOSTS, "Hosts", provider.delete())


def _undoing() -> list[tuple[Deploy, str]]:
    return [(deploy, deploy.undo) for deploy in reversed(DEPLOYS) if deploy.lasting]


def _run(topology: Topology, provider: Provider, mode: str, scripts: Sequence[tuple[Deploy, str]]) -> Iterator[Event]:
    if not scripts:
        return
    targets = tuple(Target(name, found) for name, found in data.of_hosts(topology, provider).items())
    folder = project_folder("deploys")
    steps = tuple(
        Step(deploy.name, str(folder / script), hosts, deploy.vital and mode == APPLY)
        for deploy, script in scripts
        if (hosts := _hosts(topology, provider, deploy))
    )
    yield Event("step", step=CONNECT)
    yield from run(Request(mode, targets, steps), provider.prefix())


def _hosts(topology: Topology, provider: Provider, deploy: Deploy) -> tuple[str, ...]:
    if not deploy.objects:
        return tuple(node.name for _, node in topology.nodes)
    reached = provider.kubernetes()
    chosen = {"all": topology.clusters, "primary": (topology.primary,), "remotes": topology.remotes}[deploy.clusters]
    return tuple(cluster.control_plane.name for cluster in chosen if cluster.name in reached)


def project_folder(name: str) -> Path:
    """`deploys`, `inventories` or `vagrant`: the checkout's own, else the one inside the installed package."""
    package = Path(__file__).parent
    checkout = package.parent.parent / name
    return checkout if checkout.is_dir() else package / "project" / name
