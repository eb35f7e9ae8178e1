"""The verdicts of istiod's validating webhook (Istio 1.31, pkg/webhooks/validation/server)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import DecodeError, Record, decode_spec
from meshctl.sandbox.apiserver.validation.istio.notation import istio_api
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, joined
from meshctl.sandbox.apiserver.validation.istio.rules.authentication import (
    peer_authentication,
    request_authentication,
)
from meshctl.sandbox.apiserver.validation.istio.rules.authorization import authorization_policy
from meshctl.sandbox.apiserver.validation.istio.rules.destination_rule import destination_rule
from meshctl.sandbox.apiserver.validation.istio.rules.envoy_filter import envoy_filter
from meshctl.sandbox.apiserver.validation.istio.rules.extension import traffic_extension, wasm_plugin
from meshctl.sandbox.apiserver.validation.istio.rules.gateway import gateway
from meshctl.sandbox.apiserver.validation.istio.rules.service_entry import service_entry
from meshctl.sandbox.apiserver.validation.istio.rules.sidecar import sidecar
from meshctl.sandbox.apiserver.validation.istio.rules.telemetry import proxy_config, telemetry
from meshctl.sandbox.apiserver.validation.istio.rules.virtual_service import virtual_service
from meshctl.sandbox.apiserver.validation.istio.rules.workload import workload_entry, workload_group

_TOP_LEVEL = ("apiVersion", "kind", "metadata", "spec", "status")
_DRY_RUN = "istio.io/dry-run"
_ALWAYS_REJECT = "internal.istio.io/webhook-always-reject"
_INTERNAL = ("internal.istio.io/parent-namespace", "internal.istio.io/parents")


@dataclass(frozen=True)
class Verdict:
    """What the webhook answers: a reason to refuse, or warnings."""

    message: str | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Meta:
    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]


_RULES: dict[str, Callable[[Record, _Meta], Problems]] = {
    "AuthorizationPolicy": lambda spec, meta: authorization_policy(spec, meta.name, meta.namespace),
    "DestinationRule": lambda spec, meta: destination_rule(spec, meta.namespace),
    "EnvoyFilter": lambda spec, _: envoy_filter(spec),
    "Gateway": lambda spec, meta: gateway(spec, meta.name),
    "PeerAuthentication": lambda spec, _: peer_authentication(spec),
    "ProxyConfig": lambda spec, _: proxy_config(spec),
    "RequestAuthentication": lambda spec, _: request_authentication(spec),
    "ServiceEntry": lambda spec, meta: service_entry(spec, meta.namespace, meta.labels),
    "Sidecar": lambda spec, meta: sidecar(spec, meta.namespace),
    "Telemetry": lambda spec, _: telemetry(spec),
    "TrafficExtension": lambda spec, _: traffic_extension(spec),
    "VirtualService": lambda spec, meta: virtual_service(spec, meta.namespace),
    "WasmPlugin": lambda spec, _: wasm_plugin(spec),
    "WorkloadEntry": lambda spec, _: workload_entry(spec),
    "WorkloadGroup": lambda spec, _: workload_group(spec),
}


def is_istio(group: str, kind: str) -> bool:
    """Whether the webhook is asked about a kind."""
    known = istio_api().kinds.get(kind)
    return known is not None and known.group == group


def judge(obj: dict[str, Any]) -> Verdict:
    """The verdict on an object of an Istio kind."""
    meta = _meta(obj.get("metadata") or {})
    kind = str(obj["kind"])
    try:
        spec = decode_spec(kind, obj.get("spec"))
    except DecodeError as fault:
        return Verdict(f"error decoding configuration: {fault}")
    problems = list(_annotation_problems(kind, spec, meta)) or list(_RULES[kind](spec, meta))
    errors = [problem for problem in problems if not problem.warning]
    if errors:
        return Verdict(f"configuration is invalid: {joined(errors)}")
    unknown = next((name for name in obj if name not in _TOP_LEVEL), None)
    if unknown is not None:
        return Verdict(f"unknown field {quote(unknown)} on {kind} resource {meta.namespace}/{meta.name}")
    return Verdict(None, tuple(problem.text for problem in problems))


def _meta(metadata: dict[str, Any]) -> _Meta:
    return _Meta(
        name=metadata.get("name") or "",
        namespace=metadata.get("namespace") or "",
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
    )


def _annotation_problems(kind: str, spec: Record, meta: _Meta) -> Iterator[Problem]:
    """The first annotation that refuses the object."""
    found = (problem for problem in (_dry_run(kind, spec, meta), _internal(meta)) if problem is not None)
    yield from list(found)[:1]


def _internal(meta: _Meta) -> Problem | None:
    if _ALWAYS_REJECT in meta.annotations:
        return error(f"{quote(_ALWAYS_REJECT)} annotation found, rejecting")
    given = next((name for name in _INTERNAL if name in meta.annotations), None)
    return error(f"{quote(given)} annotation found, this may not be set by users") if given else None


def _dry_run(kind: str, spec: Record, meta: _Meta) -> Problem | None:
    if _DRY_RUN not in meta.annotations:
        return None
    where, value = f"{meta.namespace}/{meta.name}", meta.annotations[_DRY_RUN]
    if kind != "AuthorizationPolicy":
        return error(f"{where} has unsupported annotation {_DRY_RUN}, please remove the annotation")
    if spec.action not in ("ALLOW", "DENY"):
        found = f"found action {spec.action} in {where}"
        return error(f"the annotation {_DRY_RUN} currently only supports action ALLOW/DENY, {found}")
    if not re.fullmatch("1|t|T|TRUE|true|True|0|f|F|FALSE|false|False", value):
        reason = f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
        return error(f"{where} has annotation {_DRY_RUN} with invalid value ({value}): {reason}")
    return None
