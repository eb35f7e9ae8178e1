"""What one proxy asked for of one type, what it was sent, and what it said to it (the delta xDS protocol)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from meshctl.sandbox.xds.istiod.messages import Resource

ALL = "*"


@dataclass(frozen=True, slots=True)
class Due:
    """What a response carries; `wanted`: also an empty one."""

    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()
    wanted: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources or self.removed or self.wanted)


@dataclass(slots=True)
class Subscription:
    """`versions` are those sent, or held by the proxy since an earlier connection."""

    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)
    sent: str = ""
    acked: str = ""
    error: str = ""
    _absent: set[str] = field(default_factory=set)
    _begun: bool = False
    _owed: bool = False

    def ask(self, subscribe: Iterable[str], unsubscribe: Iterable[str], held: Mapping[str, str]) -> None:
        """Take in what a request wants; `held` are its initial_resource_versions.

        A first request without names means all of them (xDS protocol, "Wildcard").
        """
        wanted = set(subscribe)
        if not self._begun:
            self._begun, self.wildcard = True, not wanted
            self.versions.update(held)
            self._owed = self.wildcard and not held
        self.wildcard = self.wildcard or ALL in wanted
        for name in wanted - {ALL}:
            self.names.add(name)
            self._absent.discard(name)
            # A name asked for anew is sent anew: the proxy has dropped what it had.
            if name not in held:
                self.versions.pop(name, None)
        for name in unsubscribe:
            if name == ALL:
                self.wildcard = False
            self.names.discard(name)
            self.versions.pop(name, None)

    def answer(self, nonce: str, error: str) -> None:
        """Take in an ACK, or with an error a NACK, of the response with that nonce."""
        if nonce != self.sent:
            return
        self.error = error
        if not error:
            self.acked = nonce

    def forget(self, names: Iterable[str]) -> None:
        """Send these again, changed or not."""
        for name in names:
            self.versions.pop(name, None)

    def due(self, known: Mapping[str, Resource]) -> Due:
        """What the proxy lacks of what there is."""
        visible = known if self.wildcard else {name: known[name] for name in self.names if name in known}
        changed = tuple(one for name, one in visible.items() if self.versions.get(name) != one.version)
        gone = {name for name in self.versions if name not in visible}
        gone |= {name for name in self.names if name not in known} - self._absent
        return Due(changed, tuple(sorted(gone)), self._owed)

    def give(self, due: Due, nonce: str) -> None:
        """Note a response as sent."""
        self.sent, self._owed = nonce, False
        self.versions.update((one.name, one.version) for one in due.resources)
        for name in due.removed:
            self.versions.pop(name, None)
        self._absent |= set(due.removed)
        self._absent -= {one.name for one in due.resources}

    @property
    def state(self) -> str:
        """In istioctl's words."""
        if not self.sent:
            return "SYNCED" if self.versions else "NOT SENT"
        if self.error:
            return "ERROR"
        return "SYNCED" if self.acked == self.sent else "STALE"
