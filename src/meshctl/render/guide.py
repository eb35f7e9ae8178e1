"""The README of a rendered tree: every command, in order, with the reason where the order matters."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.render import eastwest, remote_secret, routes
from meshctl.render.flavour import is_course
from meshctl.render.manifest import ISTIO_SYSTEM
from meshctl.topology import Cluster, Topology, node_routes


def text(topology: Topology, with_secrets: bool) -> str:
    """Markdown with shell blocks; kubectl contexts are named after the clusters."""
    sections = [
        ("Routes between clusters of one network", _routes(topology)),
        ("Node labels, before any pod starts: a pod's locality is fixed when it registers", _labels(topology)),
        ("Namespaces", _apply(topology.clusters, "20-namespaces")),
        ("Signing certificates, before istiod's first start", _cacerts(topology, with_secrets)),
        ("Istio in the primary", _install([topology.primary], "40-istio-primary")),
        ("Its east-west gateway and the gateway's address", _gateways(topology.primary, "41-eastwest-primary")),
        ("Open istiod and the services to the other networks", _apply([topology.primary], "42-exposure")),
        ("Remote secrets: istiod reads the remotes' services and pods", _remote_secrets(topology)),
        ("Istio in the remotes", _install(topology.remotes, "60-istio-remotes")),
        ("Their east-west gateways", _all_gateways(topology, "61-eastwest-remotes")),
        ("Bookinfo", _apply(topology.clusters, "70-bookinfo")),
        ("The way in", _apply([topology.primary], "80-ingress")),
        ("Away with everything", _teardown(topology)),
    ]
    shown = [(title, lines) for title, content in sections if (lines := list(content))]
    body = "".join(
        f"\n## {number}. {title}\n\n```sh\n" + "\n".join(lines) + "\n```\n"
        for number, (title, lines) in enumerate(shown, 1)
    )
    way = "the course's way (profile demo)" if is_course(topology) else "today's way (profile remote)"
    head = (
        f"# {topology.name}: mesh {topology.mesh_id} by hand\n\n"
        f"Istio {topology.istio_version}, {way}. Run the blocks in order, in this folder; kubectl needs a context "
        "for each cluster, named after it.\n"
    )
    return head + body


def _routes(topology: Topology) -> Iterator[str]:
    for cluster in topology.clusters:
        if node_routes(topology, cluster):
            for node in cluster.nodes:
                yield f"ssh root@{node.address} sh -s < 00-routes/{cluster.name}.sh"
                unit = f"00-routes/{cluster.name}/{routes.UNIT}"
                yield f"scp {unit} root@{node.address}:/etc/systemd/system/"
                yield f"ssh root@{node.address} systemctl enable {routes.UNIT}"


def _labels(topology: Topology) -> Iterator[str]:
    for cluster in topology.clusters:
        yield f"kubectl --context {cluster.name} apply --server-side -f 10-node-labels/{cluster.name}.yaml"


def _apply(clusters: tuple[Cluster, ...] | list[Cluster], folder: str) -> Iterator[str]:
    for cluster in clusters:
        yield f"kubectl --context {cluster.name} apply -f {folder}/{cluster.name}.yaml"


def _cacerts(topology: Topology, with_secrets: bool) -> Iterator[str]:
    if with_secrets:
        yield from _apply(topology.clusters, "30-cacerts")
        return
    yield "# `meshctl certs init` makes them; `meshctl render --with-secrets` writes these Secrets as files, too"
    for cluster in topology.clusters:
        files = " ".join(
            f"--from-file=certs/{cluster.name}/{name}.pem" for name in ("ca-cert", "ca-key", "root-cert", "cert-chain")
        )
        yield f"kubectl --context {cluster.name} -n {ISTIO_SYSTEM} create secret generic cacerts {files}"


def _install(clusters: tuple[Cluster, ...] | list[Cluster], folder: str) -> Iterator[str]:
    for cluster in clusters:
        yield f"istioctl --context {cluster.name} install -y -f {folder}/{cluster.name}.yaml"


def _gateways(cluster: Cluster, folder: str) -> Iterator[str]:
    if cluster.gateway_addresses:
        yield from _install([cluster], folder)
        patch = f'--type merge -p "$(cat {folder}/{cluster.name}.external-ips.yaml)"'
        yield f"kubectl --context {cluster.name} -n {ISTIO_SYSTEM} patch service {eastwest.NAME} {patch}"
        for address in cluster.gateway_addresses:
            # Nothing on real hosts answers for an external IP before somebody brings it up.
            node = cluster.control_plane
            yield f"ssh root@{node.address} ip address add {address}/32 dev lo  # and let {node.name} answer ARP for it"


def _all_gateways(topology: Topology, folder: str) -> Iterator[str]:
    for cluster in topology.remotes:
        yield from _gateways(cluster, folder)


def _remote_secrets(topology: Topology) -> Iterator[str]:
    if is_course(topology):
        yield "# istioctl 1.11 finds no token on Kubernetes 1.24 and newer: make a token Secret for istio-reader there"
    command = "istioctl x create-remote-secret" if is_course(topology) else "istioctl create-remote-secret"
    for cluster in topology.remotes:
        make = f"{command} --context {cluster.name} --name={cluster.name} --server={cluster.api_server}"
        yield f"{make} | kubectl --context {topology.primary.name} apply -f -"


def _teardown(topology: Topology) -> Iterator[str]:
    primary = f"kubectl --context {topology.primary.name} -n {ISTIO_SYSTEM}"
    if topology.remotes:
        names = " ".join(remote_secret.name(cluster.name) for cluster in topology.remotes)
        yield f"{primary} delete secret {names}"
    yield f"{primary} delete gateway cross-network-gateway istiod-gateway"
    yield f"{primary} delete virtualservice istiod-vs"
    uninstall = "istioctl x uninstall" if is_course(topology) else "istioctl uninstall"
    for cluster in (*topology.remotes, topology.primary):
        kubectl = f"kubectl --context {cluster.name}"
        yield f"{kubectl} delete namespace istio"
        yield f"{uninstall} --context {cluster.name} --purge -y"
        yield f"{kubectl} delete namespace {ISTIO_SYSTEM}"
        yield _root_certs(kubectl)
        labels = " ".join(f"{key}-" for key in cluster.locality.labels)
        yield f"{kubectl} label node {' '.join(node.name for node in cluster.nodes)} {labels}"
    for cluster in topology.clusters:
        if node_routes(topology, cluster):
            for node in cluster.nodes:
                stop = f"systemctl disable --now {routes.UNIT}; rm -f /etc/systemd/system/{routes.UNIT}"
                yield f"ssh root@{node.address} '{stop}; ip route flush proto {routes.PROTOCOL}'"


def _root_certs(kubectl: str) -> str:
    """istiod publishes its root in every namespace and leaves it there; kubectl can't delete by name in all."""
    names = f"$({kubectl} get namespace -o name | cut -d/ -f2)"
    return f"for ns in {names}; do {kubectl} -n $ns delete configmap istio-ca-root-cert --ignore-not-found; done"
