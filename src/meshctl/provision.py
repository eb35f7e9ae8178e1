"""What `up` does, in order; `plan` reads the same list, `down` undoes it backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meshctl.errors import UsageError
from meshctl.providers import certificates
from meshctl.providers.manifests import kubernetes_data
from meshctl.providers.provider import HostData, Provider, host_data
from meshctl.runner.process import run
from meshctl.runner.request import APPLY, PLAN, Event, Request, Step, Target
from meshctl.topology import Cluster, Node, Topology

HOSTS, KUBERNETES, CERTIFICATES = "hosts", "kubernetes", "certificates"
ALL, CONTROL_PLANES, PRIMARY, REMOTES = "all", "control-planes", "primary", "remotes"


@dataclass(frozen=True, slots=True)
class Deploy:
    """One step of `up`: its name, what it does, the scripts under deploys/ that do and undo it, and where they run."""

    name: str
    title: str
    script: str
    undo: str
    hosts: str = ALL


def _objects(name: str, title: str, hosts: str) -> Deploy:
    script = name.replace("-", "_")
    return Deploy(name, title, f"{script}.py", f"{script}_absent.py", hosts)


DEPLOYS = (
    Deploy("host-settings", "kernel settings for forwarding", "host_settings.py", "host_settings_absent.py"),
    Deploy("routes", "static routes between clusters of one network", "routes.py", "routes_absent.py"),
    _objects("node-labels", "the localities of nodes, before any pod starts", CONTROL_PLANES),
    _objects("namespaces", "namespaces with the network's label", CONTROL_PLANES),
    _objects("cacerts", "istiod's signing certificates", CONTROL_PLANES),
    _objects("istio-operators", "IstioOperator files", CONTROL_PLANES),
    _objects("eastwest", "the Services of the east-west gateways", CONTROL_PLANES),
    _objects("exposure", "what the east-west gateways let through", PRIMARY),
    _objects("istio-readers", "the primary's account in each remote", REMOTES),
    _objects("remote-secrets", "the primary's way into each remote", PRIMARY),
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

    def deploys(self) -> tuple[Deploy, ...]:
        """The selected deploys in order."""
        return tuple(deploy for deploy in DEPLOYS if deploy.name in self.names)


def up(topology: Topology, provider: Provider, selection: Selection) -> Iterator[Event]:
    """Build what is missing and mend what is wrong; the events say what changed on which host."""
    if HOSTS in selection.names:
        yield Event("step", step=HOSTS)
        yield Event("operation", provider.name, HOSTS, "Hosts", provider.create())
    if KUBERNETES in selection.names and topology.provider == "sandbox":
        yield Event("step", step=KUBERNETES)
        yield Event("operation", provider.name, KUBERNETES, "Kubernetes", provider.serve())
    if CERTIFICATES in selection.names and topology.provider == "sandbox":
        yield Event("step", step=CERTIFICATES)
        yield Event("operation", provider.name, CERTIFICATES, "Certificates", certificates.complete(topology))
    yield from _run(topology, provider, APPLY, [(deploy, deploy.script) for deploy in selection.deploys()])


def plan(topology: Topology, provider: Provider, selection: Selection) -> Iterator[Event]:
    """What `up` would change; nothing is changed."""
    if HOSTS in selection.names:
        yield Event("step", step=HOSTS)
        pending = provider.pending()
        yield Event("operation", provider.name, HOSTS, "Hosts", pending)
        if pending:
            # Hosts that don't exist yet can't be read: all of their deploys are still to come.
            return
    if KUBERNETES in selection.names and topology.provider == "sandbox":
        yield Event("step", step=KUBERNETES)
        pending = provider.unserved()
        yield Event("operation", provider.name, KUBERNETES, "Kubernetes", pending)
        if pending:
            return
    if CERTIFICATES in selection.names and topology.provider == "sandbox":
        yield Event("step", step=CERTIFICATES)
        yield Event("operation", provider.name, CERTIFICATES, "Certificates", certificates.missing(topology))
    yield from _run(topology, provider, PLAN, [(deploy, deploy.script) for deploy in selection.deploys()])


def down(topology: Topology, provider: Provider) -> Iterator[Event]:
    """Undo every deploy on hosts that stay, in reverse order, then take away the hosts that `up` made."""
    if provider.name == "ssh":
        yield from _run(topology, provider, APPLY, [(deploy, deploy.undo) for deploy in reversed(DEPLOYS)])
    yield Event("step", step=HOSTS)
    yield Event("operation", provider.name, HOSTS, "Hosts", provider.delete())


def _run(topology: Topology, provider: Provider, mode: str, scripts: Sequence[tuple[Deploy, str]]) -> Iterator[Event]:
    if not scripts:
        return
    targets = targets_of(topology, provider)
    folder = project_folder("deploys")
    steps = tuple(
        Step(deploy.name, str(folder / script), hosts)
        for deploy, script in scripts
        if (hosts := _hosts(topology, provider, deploy))
    )
    yield from run(Request(mode, targets, steps), provider.prefix())


def _hosts(topology: Topology, provider: Provider, deploy: Deploy) -> tuple[str, ...]:
    if deploy.hosts == ALL:
        return tuple(node.name for _, node in topology.nodes)
    clusters = {PRIMARY: (topology.primary,), REMOTES: topology.remotes}.get(deploy.hosts, topology.clusters)
    reached = provider.kubernetes()
    return tuple(cluster.control_plane.name for cluster in clusters if cluster.name in reached)


def targets_of(topology: Topology, provider: Provider) -> tuple[Target, ...]:
    """Every host with how it is reached and what the deploys read there."""
    access, kubernetes = provider.access(), provider.kubernetes()

    def data(cluster: Cluster, node: Node) -> HostData:
        found = {**access[node.name], **host_data(topology, cluster)}
        if node.control_plane and cluster.name in kubernetes:
            found |= kubernetes_data(topology, cluster, kubernetes, certificates.folder(topology))
        return found

    return tuple(Target(node.name, data(cluster, node)) for cluster, node in topology.nodes)


def project_folder(name: str) -> Path:
    """`deploys`, `inventories` or `vagrant`: the checkout's own, else the one inside the installed package."""
    package = Path(__file__).parent
    checkout = package.parent.parent / name
    return checkout if checkout.is_dir() else package / "project" / name
