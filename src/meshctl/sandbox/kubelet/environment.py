"""A container's environment: its variables, where their values come from, and the services of its namespace."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from meshctl.sandbox.kubelet import fields
from meshctl.sandbox.kubelet.expansion import expand

Object = Mapping[str, Any]
# Kind, namespace, name: the object, if there is one.
Lookup = Callable[[str, str, str], Object | None]


class MissingConfig(Exception):
    """What a container needs is not there; the text is the kubelet's, for CreateContainerConfigError."""


def variables(
    pod: Object, container: Object, lookup: Lookup, services: Iterable[Object], capacity: Mapping[str, str]
) -> dict[str, str]:
    """The variables that the pod states, later ones over earlier ones; MissingConfig."""
    namespace = pod["metadata"]["namespace"]
    found = dict(_services(namespace, services, pod["spec"].get("enableServiceLinks") is not False))
    for source in container.get("envFrom") or ():
        found.update(_bulk(source, namespace, lookup))
    for entry in container.get("env") or ():
        if entry.get("valueFrom"):
            value = _value(entry["valueFrom"], pod, container, lookup, capacity)
            if value is not None:
                found[entry["name"]] = value
        else:
            found[entry["name"]] = expand(entry.get("value") or "", found)
    return found


def content(obj: Object, kind: str) -> dict[str, bytes]:
    """The entries of a Secret or ConfigMap."""
    if kind == "secrets":
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}
    return {**{key: value.encode() for key, value in (obj.get("data") or {}).items()}, **binary}


def _value(source: Object, pod: Object, container: Object, lookup: Lookup, capacity: Mapping[str, str]) -> str | None:
    if reference := source.get("fieldRef"):
        return fields.field(pod, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return fields.resource(container, reference, capacity)
    kind = "secrets" if "secretKeyRef" in source else "configmaps"
    reference = source.get("secretKeyRef") or source["configMapKeyRef"]
    return _entry(kind, reference, pod["metadata"]["namespace"], lookup)


def _entry(kind: str, reference: Object, namespace: str, lookup: Lookup) -> str | None:
    singular, name = {"secrets": "secret", "configmaps": "configmap"}[kind], reference["name"]
    obj = lookup(kind, namespace, name)
    entries = content(obj, kind) if obj else {}
    if reference["key"] in entries:
        return entries[reference["key"]].decode(errors="replace")
    if reference.get("optional"):
        return None
    if obj is None:
        raise MissingConfig(f'{singular} "{name}" not found')
    title = {"secret": "Secret", "configmap": "ConfigMap"}[singular]
    raise MissingConfig(f"couldn't find key {reference['key']} in {title} {namespace}/{name}")


def _bulk(source: Object, namespace: str, lookup: Lookup) -> Iterator[tuple[str, str]]:
    kind = "secrets" if "secretRef" in source else "configmaps"
    reference = source.get("secretRef") or source["configMapRef"]
    obj = lookup(kind, namespace, reference["name"])
    if obj is None:
        if not reference.get("optional"):
            singular = {"secrets": "secret", "configmaps": "configmap"}[kind]
            raise MissingConfig(f'{singular} "{reference["name"]}" not found')
        return
    prefix = source.get("prefix") or ""
    for key, value in content(obj, kind).items():
        yield prefix + key, value.decode(errors="replace")


def _services(namespace: str, services: Iterable[Object], links: bool) -> Iterator[tuple[str, str]]:
    """Those of the API server's Service for every pod, those of its own namespace with `links`."""
    for one in services:
        metadata, spec = one["metadata"], one.get("spec") or {}
        master = (metadata["namespace"], metadata["name"]) == ("default", "kubernetes")
        wanted = master or (links and metadata["namespace"] == namespace)
        if wanted and spec.get("clusterIP") not in (None, "", "None"):
            yield from _service(metadata["name"], spec)


def _service(name: str, spec: Object) -> Iterator[tuple[str, str]]:
    prefix, address, ports = name.upper().replace("-", "_"), spec["clusterIP"], spec.get("ports") or ()
    if not ports:
        return
    yield f"{prefix}_SERVICE_HOST", address
    yield f"{prefix}_SERVICE_PORT", str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            yield f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}", str(port["port"])
    for number, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if number == 0:
            yield f"{prefix}_PORT", url
        stem = f"{prefix}_PORT_{port['port']}_{protocol}"
        yield stem, url
        yield f"{stem}_PROTO", protocol.lower()
        yield f"{stem}_PORT", str(port["port"])
        yield f"{stem}_ADDR", address
