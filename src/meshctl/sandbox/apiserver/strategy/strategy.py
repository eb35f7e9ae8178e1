"""How a kind behaves when it is written and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.api import Api

Object = dict[str, Any]
Prepare = Callable[[Api, Object], None]
PrepareUpdate = Callable[[Api, Object, Mapping[str, Any]], None]
Allocate = Callable[[Api, Object, Mapping[str, Any] | None], None]
Warn = Callable[[Mapping[str, Any]], list[str]]


def nothing(*_: object) -> None:
    """Leave the object as it is."""


def silent(_: Mapping[str, Any]) -> list[str]:
    """No warnings."""
    return []


def empty_status() -> Object:
    """A status without content."""
    return {}


@dataclass(frozen=True, slots=True)
class Strategy:
    """`generation`: whether metadata.generation counts changes of what is not metadata or status.

    `status`: the status of a new object (None: as the client sent it). `prepare_create` and `prepare_update` bring
    the object into shape before it is validated; `allocate` (with the old object, if there is one) gives it what is
    scarce once it is valid. `returns_object`: DELETE answers the object instead of a Status.
    `status_keeps_metadata`: a write of /status leaves labels and annotations alone.
    """

    generation: bool = False
    generation_by_annotations: bool = False
    status: Callable[[], Object] | None = None
    create_on_update: bool = False
    unconditional_update: bool = True
    returns_object: bool = False
    status_keeps_metadata: bool = False
    prepare_create: Prepare = nothing
    prepare_update: PrepareUpdate = nothing
    allocate: Allocate = nothing
    warnings: Warn = silent
