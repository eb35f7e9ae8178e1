"""`meshctl fail` and `heal`: break parts of a running mesh on purpose, and mend them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from meshctl.cli import output
from meshctl.cli.options import Output, Preset, TopologyFile
from meshctl.cli.output import Format
from meshctl.errors import UsageError

if TYPE_CHECKING:
    from meshctl.outages import Outage
    from meshctl.providers.provider import Provider
    from meshctl.topology import Topology

UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}
LONGEST = 60 * UNITS["s"]
Targets = Annotated[
    list[str] | None,
    typer.Argument(
        help="cluster2, cluster1-cluster2 (the link), NODE, pod/NAME, deployment/NAME, gateway/CLUSTER, "
        "ingress/CLUSTER, apiserver/CLUSTER, istiod.",
        show_default=False,
    ),
]


def fail(
    targets: Targets = None,
    delay: Annotated[str, typer.Option(metavar="TIME", help="Hold back each packet that comes in: 80ms, 1.5s.")] = "",
    loss: Annotated[str, typer.Option(metavar="PERCENT", help="Lose this share of the packets that come in: 5%.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="Only show what fails now.")] = False,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Break parts of the mesh.

    Packets are dropped, or with --delay and --loss only some of them or late; nothing is ever refused, so clients
    run into their timeouts as with a dead host. SSH and the Kubernetes API stay open to you. Without a target it
    shows what fails now; `meshctl heal`, `reset` and `down` undo it.

    Example: meshctl fail cluster2 gateway/cluster3 --delay 80ms --loss 5%
    """
    from meshctl import outages

    microseconds, share = _delay(delay), _loss(loss)
    if not targets and (delay or loss):
        raise UsageError("--delay and --loss need a target; for example `meshctl fail cluster2 --delay 80ms`")
    wanted, provider = _mesh(topology, preset)
    if not targets or listing:
        _report(form, "failed", (), outages.current(wanted, provider))
        return
    named = outages.named(wanted, provider, targets, microseconds, share)
    change = outages.fail(wanted, provider, named)
    _report(form, "failed", change.changed, change.failing)
    if form is Format.table:
        output.next_step("meshctl heal")


def heal(
    targets: Targets = None,
    topology: TopologyFile = None,
    preset: Preset = None,
    form: Output = Format.table,
) -> None:
    """Mend what `fail` broke, all of it by default.

    Example: meshctl heal cluster2
    """
    from meshctl import outages

    wanted, provider = _mesh(topology, preset)
    chosen = outages.among(outages.current(wanted, provider), targets, wanted) if targets else None
    change = outages.heal(wanted, provider, chosen)
    _report(form, "healed", change.changed, change.failing)


def _mesh(topology: TopologyFile, preset: Preset) -> tuple[Topology, Provider]:
    from meshctl.providers import choose
    from meshctl.validate import find_topology

    wanted = find_topology(topology, preset)
    provider = choose.provider(wanted)
    if not provider.exists():
        raise UsageError(f"{wanted.name} is not up; `meshctl up` builds it")
    return wanted, provider


def _report(form: Format, verb: str, done: tuple[Outage, ...], failing: tuple[Outage, ...]) -> None:
    if form is Format.json:
        output.json({verb: [one.document for one in done], "failing": [one.document for one in failing]})
        return
    for one in done:
        output.say(f"{'-' if verb == 'failed' else '+'} {one}")
    if failing:
        show(failing)
    else:
        output.say("nothing fails")


def show(failing: tuple[Outage, ...]) -> None:
    """What fails now, as a table."""
    rows = [(one.words, _milliseconds(one.delay), _percent(one.loss), _effect(one)) for one in failing]
    output.table(("failing", "delay", "loss", "effect"), rows)


def _effect(outage: Outage) -> str:
    return "cut off" if outage.cuts else "impaired"


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds / 1000:g} ms" if microseconds else ""


def _percent(loss: int) -> str:
    return f"{loss / 100:g} %" if loss else ""


def _delay(text: str) -> int:
    """Microseconds."""
    return _number(text, "--delay", r"(us|ms|s)", lambda value, unit: round(value * UNITS[unit]), LONGEST, "80ms")


def _loss(text: str) -> int:
    """Hundredths of a percent."""
    return _number(text, "--loss", r"(%?)", lambda value, _: round(value * 100), 10_000, "5%")


def _number(text: str, option: str, units: str, scale: Callable[[float, str], int], limit: int, example: str) -> int:
    if not text:
        return 0
    found = re.fullmatch(rf"(\d+(?:\.\d+)?)\s*{units}", text.strip())
    value = scale(float(found[1]), found[2]) if found else 0
    if not 0 < value <= limit:
        bounds = "more than 0, at most 60s" if option == "--delay" else "more than 0, at most 100%"
        raise UsageError(f"{option} {text!r} can't be; expected a number with its unit, {bounds}, such as {example}")
    return value
