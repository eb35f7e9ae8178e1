"""Kubernetes objects: compared field by field with what is wanted, and changed through the cluster's API."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pyinfra import host
from pyinfra.api import Host, State, operation
from pyinfra.api.command import PyinfraCommand

from meshctl.errors import MeshctlError
from meshctl.kube.access import Access
from meshctl.kube.client import ApiError, Client
from meshctl.render.manifest import Manifest

TOKEN_SECONDS = 10.0
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 # the name of a type


class ObjectChange(PyinfraCommand):
    """A request to the API with the lines that `plan` shows for it; they name fields and never hold a value."""

    def __init__(self, work: Callable[[], object], *diff: str) -> None:
        super().__init__()
        self.work = work
        self.diff = diff

    def __repr__(self) -> str:
        return f"ObjectChange({', '.join(self.diff)})"

    def execute(self, state: State, host: Host, connector_arguments: Any) -> bool:  # noqa: ARG002 # pyinfra's
        """Do it; what the API server says is the host's last output."""
        try:
            self.work()
        except MeshctlError as error:
            text = f"{self.diff[0]}: {error}" if self.diff else str(error)
            host.connector.last_output = text  # type: ignore[attr-defined]
            return False
        return True


@operation()
def applied(access: Mapping[str, str] | None, manifests: Sequence[Manifest]) -> Generator[ObjectChange, None, None]:
    """
    Objects have the fields of their manifests, whatever else they have.

    + access: the fields of `meshctl.kube.access.Access`; None where there is nothing to do
    + manifests: the objects in the order in which they are made
    """
    if access is None:
        return
    client = Client(Access(**access))
    found = [change for one in manifests if (change := _change(client, encoded(one)))]
    if not found:
        host.noop("objects are as wanted")
    yield from found


@operation()
def absent(access: Mapping[str, str] | None, manifests: Sequence[Manifest]) -> Generator[ObjectChange, None, None]:
    """
    Objects are gone.

    + access: the fields of `meshctl.kube.access.Access`
    + manifests: the objects; only kind, namespace and name matter
    """
    if access is None:
        return
    client = Client(Access(**access))
    found = [one for one in reversed(manifests) if client.get(one) is not None]
    if not found:
        host.noop("no object of ours is left")
    for one in found:
        yield ObjectChange(partial(client.delete, one), f"- {title(one)}")


@operation()
def released(access: Mapping[str, str] | None, manifests: Sequence[Manifest]) -> Generator[ObjectChange, None, None]:
    """
    Objects stay, without the labels that `applied` gave them.

    + access: the fields of `meshctl.kube.access.Access`
    + manifests: as for `applied`
    """
    if access is None:
        return
    client = Client(Access(**access))
    found = [(one, lines) for one in manifests if (lines := _labels_left(client, one))]
    if not found:
        host.noop("no label of ours is left")
    for one, lines in found:
        yield ObjectChange(partial(client.apply, _bare(one)), *lines)


def _labels_left(client: Client, manifest: Manifest) -> list[str]:
    live = (client.get(manifest) or {"metadata": {}})["metadata"].get("labels") or {}
    ours = manifest["metadata"].get("labels") or {}
    return [f"- {title(manifest)}: metadata.labels.{key}" for key in ours if key in live]


def _bare(manifest: Manifest) -> Manifest:
    """Nothing but the name: a server-side apply of it drops every field that was ours."""
    return {
        **{key: manifest[key] for key in ("apiVersion", "kind")},
        "metadata": {"name": manifest["metadata"]["name"]},
    }


def _change(client: Client, wanted: Manifest) -> ObjectChange | None:
    live = client.get(wanted)
    if live is None:
        return ObjectChange(partial(_apply, client, wanted), f"+ {title(wanted)}")
    fields = list(differences(live, wanted))
    if not fields:
        return None
    return ObjectChange(partial(_apply, client, wanted), *(f"~ {title(wanted)}: {field}" for field in fields))


def _apply(client: Client, wanted: Manifest) -> None:
    client.apply(wanted)
    if wanted.get("type") == TOKEN_TYPE:
        _await_token(client, wanted)


def _await_token(client: Client, wanted: Manifest) -> None:
    """The cluster's controllers fill such a Secret a moment later; the steps after this one need its token."""
    deadline = time.monotonic() + TOKEN_SECONDS
    while not ((client.get(wanted) or {}).get("data") or {}).get("token"):
        if time.monotonic() > deadline:
            raise ApiError(f"{title(wanted)} got no token within {TOKEN_SECONDS:.0f} s; do the controllers run?")
        time.sleep(0.05)


def title(manifest: Mapping[str, Any]) -> str:
    """Kind, namespace and name as people read them."""
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {'/'.join(filter(None, (metadata.get('namespace'), metadata['name'])))}"


def encoded(manifest: Manifest) -> Manifest:
    """A Secret with its `stringData` as `data`, which is what can be compared; anything else as it is."""
    if "stringData" not in manifest:
        return manifest
    data = {key: b64encode(value.encode()).decode() for key, value in manifest["stringData"].items()}
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**rest, "data": {**manifest.get("data", {}), **data}}


def differences(live: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Paths of the wanted fields that the live object has not; lists are compared item by item, and in length."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            yield from differences(live.get(key), value, f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        same = isinstance(live, Sequence) and len(live) == len(wanted)
        if not same or any(list(differences(old, new)) for old, new in zip(live, wanted, strict=True)):
            yield path or "items"
    elif live != wanted and not (wanted == {} and live is None):
        yield path or "value"
