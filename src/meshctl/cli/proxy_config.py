"""`meshctl proxy-config`: what proxies have, or would get from a set of objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format

if TYPE_CHECKING:
    from meshctl.errors import UsageError
    from meshctl.sandbox.xds.objects import Listing
    from meshctl.sandbox.xds.workloads import Object

Resources = Mapping[str, Mapping[str, Any]]
SUGGESTIONS = 3
# What a translator meets in an object that the API server would never have let in.
MALFORMED = (AttributeError, KeyError, TypeError, ValueError)


class Type(StrEnum):
    """The kinds of configuration that a proxy gets, by the names of their xDS APIs' contents."""

    clusters = "clusters"
    endpoints = "endpoints"
    listeners = "listeners"
    routes = "routes"


def proxy_config(
    proxies: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROXY", help="CLUSTER/NAMESPACE/WORKLOAD or a pod's name.  [default: all]"),
    ] = None,
    objects: Annotated[
        Path | None,
        typer.Option(
            "--objects",
            metavar="DIR",
            help="Objects to translate offline: a CLUSTER.yaml for each cluster, mesh.yaml, proxies.json.",
        ),
    ] = None,
    apply: Annotated[
        list[Path] | None,
        typer.Option("--apply", metavar="FILE", help="YAML to put into the primary cluster first; repeatable."),
    ] = None,
    types: Annotated[
        list[Type] | None, typer.Option("--type", "-t", help="Only this part; repeatable.  [default: all four]")
    ] = None,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Show the clusters, endpoints, listeners and routes of proxies.

    What the live proxies have, without what their bootstraps bring along. With --objects nothing needs to run: try a
    rule before you apply it. JSON is {PROXY: {clusters, endpoints, listeners, routes: {name: resource}}}, each resource
    in xDS JSON with proto field names.

    Example: meshctl proxy-config cluster1/deploy/productpage-v1 -t endpoints

    Example: meshctl proxy-config cluster1/istio/productpage-v1 --objects dump --apply rule.yaml -t endpoints
    """
    from meshctl.errors import UsageError

    if objects is None and apply:
        raise UsageError("--apply only goes with --objects DIR; kubectl applies a rule to the live mesh")
    wanted = types or list(Type)
    if objects is None:
        found = _live(topology, preset, proxies or (), wanted)
    else:
        found = _translated(_listing(objects), _added(apply or ()), proxies or (), wanted)
    if form is Format.json:
        output.json(found)
        return
    for name, resources in found.items():
        _show(name, resources)


def _live(
    topology: Path | None, preset: str | None, names: Sequence[str], types: Sequence[Type]
) -> dict[str, dict[str, dict[str, Any]]]:
    """What the Envoys say that they have; a warning for what one refused."""
    from meshctl.cli import mesh as live
    from meshctl.mesh import admin, config_dump, naming
    from meshctl.mesh.clusters import together

    mesh = live.connect(topology, preset)
    survey = live.survey(mesh)
    chosen = naming.find_all(survey, names, proxies=True) or [one for one in survey.proxies if one.running]
    with output.progress(f"asking {len(chosen)} proxies" if len(chosen) > 1 else f"asking {chosen[0].name}"):
        dumps = together(lambda pod: admin.config_dump(mesh, pod), chosen)
    found = {}
    for pod, dump in zip(chosen, dumps, strict=True):
        for refusal in config_dump.refusals(dump):
            output.warn(f"{pod.full_name}: refused {refusal.kind} {refusal.name}: {refusal.reason}")
        resources = config_dump.resources(dump)
        found[pod.full_name] = {kind.value: resources[kind.value] for kind in Type if kind in types}
    return found


def _listing(objects: Path) -> Listing:
    from meshctl.sandbox.xds import objects as files

    return files.load(objects)


def _added(paths: Sequence[Path]) -> Mapping[Path, list[Object]]:
    from meshctl.sandbox.xds import objects as files

    added = {path: files.load_objects(path) for path in paths}
    for path, items in added.items():
        for note in files.unused(items):
            output.warn(f"{path}: {note}")
    return added


def _translated(
    listing: Listing, added: Mapping[Path, list[Object]], names: Sequence[str], types: Sequence[Type]
) -> dict[str, dict[str, dict[str, Any]]]:
    chosen = _chosen(listing, names)
    try:
        return _resources(listing, added.values(), chosen, types)
    except MALFORMED as error:
        raise _refusal(listing, added, chosen, types, error) from None


def _resources(
    listing: Listing, added: Iterable[Sequence[Object]], names: Sequence[str], types: Sequence[Type]
) -> dict[str, dict[str, dict[str, Any]]]:
    from meshctl.sandbox.xds import clusters, endpoints, listeners, routes

    builders = {
        Type.clusters: clusters.build,
        Type.endpoints: endpoints.build,
        Type.listeners: listeners.build,
        Type.routes: routes.build,
    }
    applied = listing
    for items in added:
        applied = applied.apply(items)
    mesh = applied.mesh()
    return {
        name: {kind.value: builders[kind](mesh, listing.proxies[name]) for kind in Type if kind in types}
        for name in names
    }


def _refusal(
    listing: Listing,
    added: Mapping[Path, list[Object]],
    names: Sequence[str],
    types: Sequence[Type],
    error: Exception,
) -> UsageError:
    """Which applied objects can't be translated, each tried alone; the API server would have refused them."""
    from meshctl.errors import UsageError

    reasons = [
        f"{path}: {item['kind']} {item['metadata']['name']}: not what its schema demands: {reason}"
        for path, items in added.items()
        for item in items
        if (reason := _fault(listing, item, names, types))
    ]
    return UsageError("\n".join(reasons) or f"the objects can't be translated: {_said(error)}")


def _fault(listing: Listing, item: Object, names: Sequence[str], types: Sequence[Type]) -> str:
    try:
        _resources(listing, [[item]], names, types)
    except MALFORMED as error:
        return _said(error)
    return ""


def _said(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def _chosen(listing: Listing, names: Sequence[str]) -> list[str]:
    """The proxies of these names or pod names, all of them without any; UsageError names every unknown one."""
    from meshctl.errors import UsageError

    known = {
        **{proxy.name: name for name, proxy in listing.proxies.items()},
        **{name: name for name in listing.proxies},
    }
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError("\n".join(_unknown(name, known) for name in unknown))
    return list(dict.fromkeys(known[name] for name in names)) or list(listing.proxies)


def _unknown(name: str, known: Mapping[str, str]) -> str:
    from difflib import get_close_matches

    every = list(dict.fromkeys(known.values()))
    spelled = {**{proxy.rpartition("/")[2]: proxy for proxy in reversed(every)}, **known}
    close = [proxy for proxy in every if name and name in proxy]
    close += [spelled[text] for text in get_close_matches(name, spelled)]
    if close:
        return f"proxy {name!r}: not in proxies.json; did you mean {_listed(close, ' or ')}?"
    return f"proxy {name!r}: not in proxies.json, which has {_listed(every, ', ') or 'none'}"


def _listed(names: Sequence[str], separator: str) -> str:
    distinct = list(dict.fromkeys(names))
    more = [f"{len(distinct) - SUGGESTIONS} more"] if len(distinct) > SUGGESTIONS and separator == ", " else []
    return separator.join(distinct[:SUGGESTIONS] + more)


def _show(name: str, resources: Resources) -> None:
    from meshctl.cli import proxy_tables

    for kind, found in resources.items():
        output.say(output.paint(f"{name} {kind}", output.BOLD))
        headers, rows = proxy_tables.TABLES[kind](found)
        output.table(headers, rows) if rows else output.say("none")
        output.say()
