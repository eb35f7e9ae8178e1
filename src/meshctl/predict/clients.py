"""Who asks: proxies by the names of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshctl.errors import InvalidInput, Problem
from meshctl.predict.mesh import Mesh, Proxy
from meshctl.predict.near import near, one_of

KINDS = ("ingress", "egress", "eastwest", "sidecar")
FORMS = "CLUSTER (its ingress gateway), " + ", ".join(f"{kind}/CLUSTER" for kind in KINDS) + " or SERVICE@CLUSTER"


def clients(mesh: Mesh, names: Sequence[str]) -> dict[str, Proxy]:
    """Proxies by name; InvalidInput names every one that isn't understood. `*` stands for every cluster."""
    result: dict[str, Proxy] = {}
    problems = []
    for name in names:
        for one in _each(name, mesh):
            proxy = _proxy(one, mesh)
            if isinstance(proxy, Proxy):
                result[one] = proxy
            else:
                problems.append(Problem(0, one, proxy))
    if problems:
        raise InvalidInput("--client", problems)
    return result


def _each(name: str, mesh: Mesh) -> Iterator[str]:
    if name.endswith("*"):
        yield from (name[:-1] + cluster for cluster in mesh.by_name)
    else:
        yield name


def _proxy(name: str, mesh: Mesh) -> Proxy | str:
    """The proxy, or what is wrong."""
    kind, slash, cluster = name.partition("/") if "/" in name else ("ingress", "", name)
    service, at, home = name.removeprefix("sidecar/").partition("@")
    if at:
        return _sidecar(service, home, mesh)
    if slash and kind not in KINDS:
        return f"expected {FORMS};{near(kind, KINDS)}"
    if cluster not in mesh.by_name:
        return _unknown(cluster, mesh)
    if kind == "sidecar":
        return mesh.sidecar(cluster)
    return mesh.eastwest(cluster) if kind == "eastwest" else mesh.gateway(cluster, kind)


def _sidecar(service: str, cluster: str, mesh: Mesh) -> Proxy | str:
    if cluster not in mesh.by_name:
        return _unknown(cluster, mesh)
    found = [pod for pod in mesh.by_service.get(service, ()) if pod.cluster == cluster]
    if found:
        return mesh.sidecar_of(found[0])
    here = sorted({pod.service for pod in mesh.pods if pod.cluster == cluster})
    return f"{cluster} has no pod of {service!r};{near(service, here)} expected one of {one_of(here)}"


def _unknown(cluster: str, mesh: Mesh) -> str:
    known = one_of(mesh.by_name)
    return f"cluster {cluster!r} is unknown;{near(cluster, mesh.by_name)} expected {FORMS} with CLUSTER one of {known}"
