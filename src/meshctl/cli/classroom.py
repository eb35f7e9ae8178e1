"""The end of `meshctl up`: what is where, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshctl.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshctl.mesh.pod import Pod
    from meshctl.providers.provider import Provider
    from meshctl.topology import Cluster, Topology

HEADERS = ("cluster", "role", "network", "locality", "api server", "east-west gateway", "pods", "proxies")


def show(topology: Topology, provider: Provider) -> None:
    """Print a table of the clusters and Bookinfo's URL, as far as there is a mesh; then what to type next."""
    from meshctl.cli import mesh as live
    from meshctl.cli.open import PAGE
    from meshctl.errors import UsageError
    from meshctl.mesh import clusters

    try:
        mesh = clusters.connect(topology, provider.forwarded())
        pods = live.survey(mesh).pods
        url = live.page(mesh)
    except UsageError:
        output.next_step("meshctl status")
        return
    output.say()
    output.table(HEADERS, [_row(one, [pod for pod in pods if pod.cluster == one.name]) for one in topology.clusters])
    output.say(f"\nBookinfo: {output.paint(url + PAGE, output.BOLD)}")
    output.next_step("meshctl open, meshctl traffic --requests 300, meshctl lab list")


def _row(cluster: Cluster, pods: Iterable[Pod]) -> list[str]:
    # One that is on its way out, after a restart, is nothing to show.
    found = [one for one in pods if one.running]
    return [
        cluster.name,
        "primary" if cluster.primary else "remote",
        cluster.network,
        str(cluster.locality),
        cluster.api_server.removeprefix("https://"),
        ", ".join(map(str, cluster.gateway_addresses)),
        f"{sum(one.ready for one in found)} ready",
        str(sum(one.has_proxy for one in found)),
    ]
