"""The end of a CustomResourceDefinition: first its objects go, then it."""

from __future__ import annotations

from meshctl.sandbox.apiserver import deletion
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.options import DeleteOptions
from meshctl.sandbox.apiserver.storage.revision import Object, Stored
from meshctl.sandbox.apiserver.strategy.definitions import FINALIZER, STORAGE

PATIENCE = 1.0
IDLE = 3600.0


async def clean(api: Api) -> None:
    """Clean up behind deleted definitions, for ever."""
    while True:
        ending = [stored for stored in api.store.page(STORAGE).items if _is_ending(stored.load())]
        held = [stored for stored in ending if not _finish(api, stored)]
        await api.store.changes.wait(STORAGE, PATIENCE if held else IDLE)


def _is_ending(definition: Object) -> bool:
    metadata = definition["metadata"]
    return bool(metadata.get("deletionTimestamp")) and FINALIZER in (metadata.get("finalizers") or ())


def _finish(api: Api, stored: Stored) -> bool:
    """Delete a definition's objects, and when none is left, let the definition go; whether it went."""
    resource = api.catalog.storages().get(stored.key)
    for one in api.store.page(stored.key).items:
        if resource:
            deletion.delete(api, resource, one, DeleteOptions(propagation="Background"))
    if api.store.page(stored.key, limit=1).items:
        return False
    definition = stored.load()
    metadata = definition["metadata"]
    metadata["finalizers"] = [one for one in metadata["finalizers"] if one != FINALIZER]
    if metadata["finalizers"]:
        api.store.replace(STORAGE, stored.key, definition, stored)
    else:
        api.store.remove(STORAGE, stored.key, definition, stored)
    return True
