"""topology.yaml to Topology: everything that is wrong is reported at once, each with its line."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from meshctl.errors import InvalidInput, Problem, UsageError
from meshctl.topology import Topology
from meshctl.validate import document
from meshctl.validate.build import Builder
from meshctl.validate.consistency import faults

PRESETS = ("classroom", "vagrant", "five-clusters")
DEFAULT_PRESET = "classroom"
FILE_NAME = "topology.yaml"


def find_topology(file: Path | None = None, preset: str | None = None) -> Topology:
    """The topology a command means: `file`, else `preset`, else ./topology.yaml, else the classroom.

    Raises UsageError if both are given or the file can't be read, InvalidInput with every problem in it.
    """
    if file is not None and preset is not None:
        raise UsageError(f"--topology {file} and --preset {preset} exclude each other; give one of them")
    if preset is not None:
        return parse(preset_text(preset), f"preset {preset}")
    if file is not None:
        return load(file)
    here = Path(FILE_NAME)
    return load(here) if here.exists() else parse(preset_text(DEFAULT_PRESET), f"preset {DEFAULT_PRESET}")


def load(file: Path) -> Topology:
    """The topology in a file; UsageError if it can't be read, InvalidInput with every problem in it."""
    return parse(document.read(file), str(file))


def preset_text(name: str) -> str:
    """The YAML text of a preset; UsageError for an unknown name."""
    if name not in PRESETS:
        raise UsageError(f"preset {name!r} is unknown; expected one of {', '.join(PRESETS)}")
    return resources.files("meshctl.presets").joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def parse(text: str, source: str) -> Topology:
    """The topology in a YAML text; InvalidInput with every problem, each with its line."""
    parsed = document.parse(text, source)
    if parsed.value is None:
        raise InvalidInput(source, [Problem(1, "", "is empty; `meshctl init` writes a topology to start from")])
    topology, problems = _check(parsed)
    if problems:
        raise InvalidInput(source, problems)
    return topology


def _check(parsed: document.Document) -> tuple[Topology, list[Problem]]:
    from meshctl.validate import structure

    found = list(structure.faults(parsed.value))
    builder = Builder(structure.sound(parsed.value, (keys for keys, _ in found)))
    topology = builder.topology()
    found += builder.faults
    wrong = {keys for keys, _ in found}
    roles_known = not any(keys[-1:] == ("role",) or len(keys) <= 2 for keys in wrong if keys[:1] in ((), ("clusters",)))
    for keys, message in faults(topology):
        # A value that is wrong in itself is not compared with the others.
        covered = any(keys[:length] in wrong for length in range(len(keys) + 1))
        if not covered and (keys != ("clusters",) or roles_known):
            found.append((keys, message))
    return topology, [Problem(parsed.line(keys), document.path(keys), message) for keys, message in found]


def with_istio(topology: Topology, version: str) -> Topology:
    """The same topology with another version of Istio; UsageError if that version can't be installed."""
    from meshctl.validate.schema import VERSION

    if not re.match(VERSION, version):
        raise UsageError(f"Istio version {version!r} is none; expected one such as 1.31.0")
    changed = replace(topology, istio_version=version)
    for keys, message in faults(changed):
        if keys == ("istio", "version"):
            raise UsageError(f"Istio version {message}")
    return changed


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of topology.yaml."""
    from meshctl.validate.schema import TOPOLOGY

    return TOPOLOGY
