"""What happens in the fabric, told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from meshctl.sandbox.wire import Message

Watcher = Callable[[Message], None]


class Events:
    """Tells each event to every watcher of the moment."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()

    def tell(self, event: Message) -> None:
        """Pass an event on."""
        for watcher in tuple(self._watchers):
            watcher(event)

    @contextmanager
    def told_to(self, watcher: Watcher) -> Iterator[None]:
        """Tell this watcher, too, for a while."""
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.discard(watcher)
