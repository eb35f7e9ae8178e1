"""Rules of containers: ports, environment, resources, mounts, probes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation import names, quantity
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, not_found, required
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import (
    Object,
    not_negative,
    one_of,
    port_number,
    port_value,
    wrong,
)

PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_POD_FIELDS = frozenset(
    {
        *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
        *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
    }
)


def container_causes(container: Object, field: str, volumes: Collection[str], kind: str = "") -> Iterator[Cause]:
    """A container; `kind` is "init", "ephemeral" or empty."""
    name = container.get("name") or ""
    if name:
        yield from wrong(f"{field}.name", name, names.label(name))
    else:
        yield required(f"{field}.name")
    image = container.get("image") or ""
    if not image:
        yield required(f"{field}.image")
    elif image != image.strip():
        yield invalid(f"{field}.image", image, "must not have leading or trailing whitespace")
    yield from one_of(f"{field}.terminationMessagePolicy", container.get("terminationMessagePolicy"), _MESSAGES)
    yield from _ports(container.get("ports") or (), f"{field}.ports")
    yield from _environment(container.get("env") or (), f"{field}.env")
    yield from _environment_sources(container.get("envFrom") or (), f"{field}.envFrom")
    yield from _mounts(container.get("volumeMounts") or (), f"{field}.volumeMounts", volumes)
    yield from one_of(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), ("Always", "IfNotPresent", "Never"))
    yield from resource_causes(container.get("resources") or {}, f"{field}.resources")
    restartable = kind != "init" or container.get("restartPolicy") == "Always"
    yield from _probes(container, field, allowed=restartable)


_MESSAGES = ("File", "FallbackToLogsOnError")


def _ports(ports: Collection[Object], field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for at, port in enumerate(ports):
        inner = f"{field}[{at}]"
        name = port.get("name") or ""
        if name:
            faults = names.port_name(name)
            yield from wrong(f"{inner}.name", name, faults)
            if not faults and name in seen:
                yield duplicate(f"{inner}.name", name)
            seen.add(name)
        if not port.get("containerPort"):
            yield required(f"{inner}.containerPort")
        else:
            yield from port_number(f"{inner}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            yield from port_number(f"{inner}.hostPort", port["hostPort"])
        yield from one_of(f"{inner}.protocol", port.get("protocol"), PROTOCOLS, needed=True)


def _environment(variables: Collection[Object], field: str) -> Iterator[Cause]:
    for at, variable in enumerate(variables):
        inner = f"{field}[{at}]"
        name = variable.get("name") or ""
        if not name:
            yield required(f"{inner}.name")
        else:
            yield from wrong(f"{inner}.name", name, names.environment_name(name))
        if variable.get("valueFrom") is not None:
            yield from _value_from(variable, f"{inner}.valueFrom")


def _value_from(variable: Object, field: str) -> Iterator[Cause]:
    source: Object = variable["valueFrom"]
    given = [name for name in _SOURCES if source.get(name) is not None]
    if not given:
        choices = " or ".join(
            f"`{name}`" for name in ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")
        )
        yield invalid(field, "", f"must specify one of: {choices.replace(' or ', ', ', 2)}")
    elif variable.get("value"):
        yield invalid(field, "", "may not be specified when `value` is not empty")
    if len(given) > 1:
        yield invalid(field, "", "may not have more than one field specified at a time")
    if "fieldRef" in given:
        yield from _field_reference(source["fieldRef"], f"{field}.fieldRef")
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in given:
            yield from _key_reference(source[name], f"{field}.{name}")


def _field_reference(reference: Object, field: str) -> Iterator[Cause]:
    path = reference.get("fieldPath") or ""
    if not path:
        yield required(f"{field}.fieldPath")
    elif not re.fullmatch(r"metadata\.(labels|annotations)\['.+'\]", path) and path not in _POD_FIELDS:
        yield invalid(f"{field}.fieldPath", path, f"error converting fieldPath: field label not supported: {path}")


def _key_reference(reference: Object, field: str) -> Iterator[Cause]:
    if not reference.get("name"):
        yield required(f"{field}.name")
    key = reference.get("key") or ""
    if not key:
        yield required(f"{field}.key")
    else:
        yield from wrong(f"{field}.key", key, names.config_key(key))


def _environment_sources(sources: Collection[Object], field: str) -> Iterator[Cause]:
    for at, source in enumerate(sources):
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        if len(given) > 1:
            yield invalid(f"{field}[{at}]", "", "may not have more than one field specified at a time")
        if not given:
            yield invalid(f"{field}[{at}]", "", "must specify one of: `configMapRef` or `secretRef`")
        for name in given:
            if not source[name].get("name"):
                yield required(f"{field}[{at}].{name}.name")


def _mounts(mounts: Collection[Object], field: str, volumes: Collection[str]) -> Iterator[Cause]:
    seen: set[str] = set()
    for at, mount in enumerate(mounts):
        inner = f"{field}[{at}]"
        name, path = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(f"{inner}.name")
        elif name not in volumes:
            yield not_found(f"{inner}.name", name)
        if not path:
            yield required(f"{inner}.mountPath")
        if path in seen:
            yield invalid(f"{inner}.mountPath", path, "must be unique")
        seen.add(path)
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield invalid(
                f"{inner}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
            )
        yield from _sub_path(mount.get("subPath") or "", f"{inner}.subPath")


def _sub_path(path: str, field: str) -> Iterator[Cause]:
    if path.startswith("/"):
        yield invalid(field, path, "must be a relative path")
    elif ".." in path.split("/"):
        yield invalid(field, path, "must not contain '..'")


def resource_causes(resources: Object, field: str) -> Iterator[Cause]:
    """Requests and limits."""
    limits: dict[str, Any] = resources.get("limits") or {}
    requests: dict[str, Any] = resources.get("requests") or {}
    for part, values in (("limits", limits), ("requests", requests)):
        for name, amount in values.items():
            yield from _resource_name(name, f"{field}.{part}", name)
            if quantity.value(amount) < 0:
                yield invalid(f"{field}.{part}[{name}]", amount, "must be greater than or equal to 0")
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is not None and quantity.value(amount) > quantity.value(limit):
            yield invalid(f"{field}.requests", amount, f"must be less than or equal to {name} limit of {limit}")


def _resource_name(name: str, field: str, value: str) -> Iterator[Cause]:
    faults = names.qualified_name(name)
    yield from wrong(field, value, faults)
    if not faults and "/" not in name and name not in _RESOURCES and not name.startswith("hugepages-"):
        yield invalid(field, name, "must be a standard resource type or fully qualified")


def _probes(container: Object, field: str, allowed: bool) -> Iterator[Cause]:
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is None:
            continue
        if not allowed:
            yield forbidden(f"{field}.{name}", "may not be set for init containers without restartPolicy=Always")
            continue
        yield from _probe(probe, f"{field}.{name}")
        if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            yield invalid(f"{field}.{name}.successThreshold", probe["successThreshold"], "must be 1")
    for name, handler in (container.get("lifecycle") or {}).items():
        if isinstance(handler, dict):
            yield from _handler(handler, f"{field}.lifecycle.{name}")


def _probe(probe: Object, field: str) -> Iterator[Cause]:
    yield from _handler(probe, field)
    seconds = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
    yield from not_negative(probe, field, *seconds)


def _handler(handler: Object, field: str) -> Iterator[Cause]:
    given = [name for name in (*_HANDLERS, "sleep") if handler.get(name) is not None]
    if not given:
        yield required(field, "must specify a handler type")
    for name in given[1:]:
        yield forbidden(f"{field}.{name}", "may not specify more than 1 handler type")
    if given[:1] == ["exec"] and not handler["exec"].get("command"):
        yield required(f"{field}.exec.command")
    if given[:1] == ["httpGet"]:
        yield from _http_get(handler["httpGet"], f"{field}.httpGet")
    if given[:1] == ["tcpSocket"]:
        yield from port_value(f"{field}.tcpSocket.port", handler["tcpSocket"].get("port"))
    if given[:1] == ["grpc"]:
        yield from port_number(f"{field}.grpc.port", handler["grpc"].get("port"))


def _http_get(action: Object, field: str) -> Iterator[Cause]:
    if not action.get("path"):
        yield required(f"{field}.path")
    yield from port_value(f"{field}.port", action.get("port"))
    yield from one_of(f"{field}.scheme", action.get("scheme"), ("HTTP", "HTTPS"))
