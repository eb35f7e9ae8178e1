"""All labs, in the order of the course."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from meshctl.errors import UsageError
from meshctl.labs.lab import Lab
from meshctl.labs.locality import (
    default_failover,
    distribute,
    distribute_2,
    failover,
    failover_all,
    port_distribute,
    port_failover,
)

LABS: tuple[Lab, ...] = (
    distribute.LAB,
    distribute_2.LAB,
    failover.LAB,
    failover_all.LAB,
    default_failover.LAB,
    port_distribute.LAB,
    port_failover.LAB,
)


def find(names: Sequence[str]) -> list[Lab]:
    """The labs of these names, each once; UsageError tells of every name that is wrong."""
    known = {lab.name: lab for lab in LABS}
    faults = [_unknown(name, list(known)) for name in names if name not in known]
    if faults:
        raise UsageError("\n".join(faults))
    return [known[name] for name in dict.fromkeys(names)]


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"lab {name!r} is unknown; {hint}there are {', '.join(known)}"
