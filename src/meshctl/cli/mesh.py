"""The way of a command into the live mesh of a topology."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshctl.cli import output

if TYPE_CHECKING:
    from pathlib import Path

    from meshctl.mesh.clusters import Mesh, Survey


def connect(topology: Path | None, preset: str | None) -> Mesh:
    """The mesh that runs; UsageError if it is not up."""
    from meshctl.mesh import clusters
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    return clusters.connect(wanted, choose.provider(wanted).forwarded())


def survey(mesh: Mesh) -> Survey:
    """What runs in it; a cluster that does not answer is warned of."""
    from meshctl.mesh import clusters

    found = clusters.survey(mesh)
    for name, reason in found.silent.items():
        output.warn(f"{name}: {reason}")
    return found


def page(mesh: Mesh) -> str:
    """The URL at which the primary's ingress gateway is reached from this machine; UsageError if it is not there."""
    from meshctl.mesh import ingress, measurement
    from meshctl.providers import choose

    gateways = measurement.ingresses(mesh, survey(mesh))
    host, port = choose.provider(mesh.topology).entrance(*ingress.address(mesh, gateways))
    return f"http://{host}" if port == ingress.HTTP else f"http://{host}:{port}"
