"""What a lab is: acts, each a state of the mesh with what must be seen in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from meshctl.labs.cast import Cast
from meshctl.labs.expectation import Expectation
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest

# Answered by productpage alone, without the services behind it.
ALONE, PAGE = "/api/v1/products", "/productpage"


@dataclass(frozen=True, slots=True)
class Load:
    """How requests are sent; `requests` 0: as many as the expected shares need; `rate` a second, 0 as fast as it goes.

    One after the other unless said otherwise: LEAST_REQUEST prefers fast hosts as soon as requests overlap.
    """

    path: str = ALONE
    requests: int = 0
    concurrency: int = 1
    timeout: float = 15.0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """A state of the mesh: the objects and outages in force in it, and what must be seen.

    Its name is the key of its text. `rules` are applied in the primary; objects of one name must be equal.
    """

    name: str
    expectations: tuple[Expectation, ...]
    rules: tuple[Manifest, ...] = ()
    outages: tuple[Outage, ...] = ()
    load: Load = field(default_factory=Load)


@dataclass(frozen=True, slots=True)
class Cue:
    """In a timeline: at which second the mesh enters which outages; `title` is the key of its text."""

    at: float
    title: str
    outages: tuple[Outage, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A timeline: a steady load under rules while cues change the mesh."""

    rules: tuple[Manifest, ...]
    cues: tuple[Cue, ...]
    seconds: float
    rate: float = 20.0
    path: str = ALONE


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab. `acts` writes them for the clusters of a topology; `script` its timeline, where it has one."""

    name: str
    chapter: str
    acts: Callable[[Cast], tuple[Act, ...]]
    script: Callable[[Cast], Script] | None = None
