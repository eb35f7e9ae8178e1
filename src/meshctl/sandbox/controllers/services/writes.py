"""Writing what is derived from other objects: only if it is not there yet, and again if someone was faster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.controllers.api import Api, ApiFault
from meshctl.sandbox.controllers.objects import GROUPS, Objects

Object = dict[str, Any]
Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes objects of a kind whose names follow from what they say."""

    api: Api
    objects: Objects
    kind: str

    async def ensure(self, live: Seen | None, made: Object, is_same: Callable[[Seen, Seen], bool]) -> None:
        """Make the stored object say what is wanted; ApiFault."""
        if live and is_same(live, made):
            return
        path, name = self._path(made), made["metadata"]["name"]
        if live:
            kept = {"annotations": live["metadata"].get("annotations") or {}}
            made = {**made, "metadata": {**kept, **made["metadata"]}}
        try:
            found = await self.api.ask("PUT" if live else "POST", f"{path}/{name}" if live else path, made)
        except ApiFault as fault:
            if live or fault.code != 409:
                raise
            found = await self.api.ask("PUT", f"{path}/{name}", made)
        self.objects.put(self.kind, found)

    async def delete(self, gone: Seen) -> None:
        """Take an object away, if nobody else did; ApiFault."""
        try:
            await self.api.ask("DELETE", f"{self._path(gone)}/{gone['metadata']['name']}")
        except ApiFault as fault:
            if fault.code != 404:
                raise
        self.objects.drop(self.kind, dict(gone))

    def _path(self, found: Seen) -> str:
        return f"{GROUPS[self.kind]}/namespaces/{found['metadata']['namespace']}/{self.kind}"
