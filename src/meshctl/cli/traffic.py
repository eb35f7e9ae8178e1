"""`meshctl traffic`: who answers, measured."""

from __future__ import annotations

from typing import Annotated

import typer

from meshctl.cli import mesh as live
from meshctl.cli import output, traffic_report
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format

IN_MESH = "http://productpage.{namespace}:{port}"


def traffic(
    requests: Annotated[int, typer.Option("--requests", "-n", metavar="N", help="How many requests.")] = 100,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="POD", help="Send from this pod, by its sidecar.  [default: from here]"),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="http://HOST[:PORT].  [default: the ingress gateway; from a pod productpage]"),
    ] = None,
    path: Annotated[str, typer.Option(metavar="PATH", help="What is asked for.")] = "/productpage",
    host: Annotated[str, typer.Option(metavar="NAME", help="Another Host header.")] = "",
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME: VALUE", help="A header; repeatable.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", metavar="N", help="Requests at once; many of them favour quick endpoints.")
    ] = 4,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long one request may take.")] = 15.0,
    rate: Annotated[
        float, typer.Option(metavar="N", show_default=False, help="Requests a second.  [default: as fast as it goes]")
    ] = 0.0,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Send requests and show who answered them.

    Through the primary's ingress gateway, or from a pod. Clusters, nodes and pods, status codes and Envoy's response
    flags come from the access logs of the mesh's proxies. A request that fails is a result like any other.

    Example: meshctl traffic --requests 300

    Example: meshctl traffic --from cluster2/deploy/sleep --url http://reviews:9080 --path /reviews/0
    """
    from meshctl.mesh import measurement, naming
    from meshctl.mesh.traffic import Call

    headers = tuple(_header(one) for one in header or ())
    call = Call(path, host, headers, requests, concurrency, timeout, rate)
    mesh = live.connect(topology, preset)
    sender = naming.find(live.survey(mesh), source, proxies=True) if source else None
    target = url or (_service() if sender else live.page(mesh))
    with output.progress("sending requests"):
        found = measurement.measure(mesh, call, target, sender, lambda text, _: output.transient(text))
    if form is Format.json:
        output.json(traffic_report.document(found))
    else:
        traffic_report.show(found)


def _header(text: str) -> tuple[str, str]:
    from meshctl.errors import UsageError

    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(ord(one) < 32 for one in text):
        raise UsageError(f"header {text!r}: expected NAME: VALUE")
    return name.strip(), value.strip()


def _service() -> str:
    from meshctl.render import bookinfo, namespaces

    return IN_MESH.format(namespace=namespaces.BOOKINFO, port=bookinfo.PORT)
