"""What the worker is asked for, and what it answers, as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

APPLY, PLAN = "apply", "plan"


@dataclass(frozen=True, slots=True)
class Target:
    """A host: its name, how it is reached (pyinfra's ssh_* keys) and what the deploys read from `host.data`."""

    name: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A deploy: its name, the path of its script and the names of the hosts that it runs on.

    `vital`: nothing that comes after it makes sense on any host unless it worked on all of its own.
    """

    name: str
    script: str
    hosts: tuple[str, ...]
    vital: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One run: `mode` is `plan` (read only) or `apply`."""

    mode: str
    targets: tuple[Target, ...]
    steps: tuple[Step, ...]
    connect_timeout_s: float = 10
    command_timeout_s: float = 60

    def document(self) -> dict[str, Any]:
        """The request as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Request:
        """The request in a JSON document."""
        return cls(
            document["mode"],
            tuple(Target(**item) for item in document["targets"]),
            tuple(Step(**{**item, "hosts": tuple(item["hosts"])}) for item in document["steps"]),
            document["connect_timeout_s"],
            document["command_timeout_s"],
        )


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    kind: `connected`, `unreachable`, `step` (a step begins), `operation` (planned, or done when applying),
    `failed` (a host's step failed; the host is left out of what follows), `lost` (worker died).
    `diff` has the lines of an operation's changes; empty: nothing to change.
    """

    kind: str
    host: str = ""
    step: str = ""
    operation: str = ""
    diff: tuple[str, ...] = ()
    message: str = ""
    seconds: float = field(default=0.0)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Event:
        """The event in a JSON document."""
        return cls(**{**document, "diff": tuple(document.get("diff", ()))})
