"""A lab before it runs: what it teaches, the objects of each act, the expected tables and shares."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from meshctl.cli import output
from meshctl.labs.cast import Cast
from meshctl.labs.forecast import Forecast, forecast
from meshctl.labs.journal import words as outage_words
from meshctl.labs.lab import Act, Lab
from meshctl.labs.stage import services
from meshctl.labs.text import LabText
from meshctl.labs.view import caller
from meshctl.predict.flow import Prediction
from meshctl.render.manifest import to_yaml

WIDTH = 100
BAR = 30


def show(lab: Lab, cast: Cast, words: LabText) -> None:
    """Print it."""
    output.say(output.paint(f"{lab.name}: {words.title}", output.BOLD))
    output.say(output.paint(lab.chapter, output.DIM))
    paragraph(words.teaches)
    shown: set[str] = set()
    for number, act in enumerate(lab.acts(cast), 1):
        told = words.acts[act.name]
        output.say()
        output.say(output.paint(f"Act {number}, {act.name}: {told.title}", output.BOLD))
        if act.outages:
            output.say(f"  outages: {', '.join(map(outage_words, act.outages))}")
        _objects(act, shown)
        if told.claim:
            paragraph(f"The course says: {told.claim}")
        paragraph(f"Why: {told.why}")
        found = forecast(cast.topology, None, act.rules, act.outages)
        for service in services(act):
            _expected(found, service)
    output.say()
    output.say(output.paint("expected by the meshctl model, not measured", output.DIM))
    output.next_step(f"meshctl lab run {lab.name}")


def paragraph(text: str, indent: str = "  ") -> None:
    """Print a text in lines of a readable length."""
    output.say(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent))


def _objects(act: Act, shown: set[str]) -> None:
    fresh = [item for item in act.rules if item["metadata"]["name"] not in shown]
    if fresh:
        output.say(textwrap.indent(to_yaml(fresh), "    ").rstrip())
    elif act.rules:
        output.say(f"  rules as before: {', '.join(item['metadata']['name'] for item in act.rules)}")
    shown.update(item["metadata"]["name"] for item in fresh)


def _expected(found: Forecast, service: str) -> None:
    view = caller(service, found.local)
    prediction = found.of(view, service)
    output.say(f"  {view}, {service}:")
    rows = list(_rows(prediction))
    for line in _columns([("ENDPOINT", "LOCALITY", "PRIORITY", "WEIGHT", "STATE", "SHARE"), *rows]):
        output.say(f"    {line}")
    shares = {**{pod: float(share) for pod, share in prediction.pods.items()}, "fails": float(prediction.failed)}
    width = max(map(len, shares))
    for name, share in shares.items():
        if share:
            full = round(share * BAR)
            output.say(f"    {name.ljust(width)}  {'█' * full}{'░' * (BAR - full)} {share:6.1%}")


def _rows(prediction: Prediction) -> Iterator[tuple[str, ...]]:
    hop = prediction.client
    for group in hop.table:
        for endpoint in group.endpoints:
            state = "ejected" if endpoint.address in hop.ejected else "HEALTHY" if endpoint.healthy else "UNHEALTHY"
            share = float(hop.shares.get(endpoint.address, 0))
            weight = f"{endpoint.weight} of {group.weight}"
            yield endpoint.address, group.locality, str(group.priority), weight, state, f"{share:.1%}"


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def document(lab: Lab, cast: Cast, words: LabText) -> dict[str, Any]:
    """It as JSON."""
    return {
        "name": lab.name,
        "chapter": lab.chapter,
        "title": words.title,
        "teaches": words.teaches,
        "acts": [_act(act, cast, words) for act in lab.acts(cast)],
    }


def _act(act: Act, cast: Cast, words: LabText) -> dict[str, Any]:
    told = words.acts[act.name]
    found = forecast(cast.topology, None, act.rules, act.outages)
    return {
        "name": act.name,
        "title": told.title,
        "why": told.why,
        "claim": told.claim,
        "outages": [outage_words(outage) for outage in act.outages],
        "objects": list(act.rules),
        "expected": {service: _shares(found.of(caller(service, found.local), service)) for service in services(act)},
    }


def _shares(prediction: Prediction) -> dict[str, Any]:
    return {
        "endpoints": {address: float(share) for address, share in prediction.client.shares.items()},
        "pods": {pod: float(share) for pod, share in prediction.pods.items()},
        "failed": float(prediction.failed),
        "stalled": float(prediction.stalled),
        "ejected": list(prediction.client.ejected),
    }
