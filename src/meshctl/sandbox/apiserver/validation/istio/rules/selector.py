"""Rules of what an object is for: selectors of workloads, and the resources that a policy is attached to."""

from __future__ import annotations

from collections.abc import Mapping

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, warning

_TARGETS = (
    ("", "core/v1/Service"),
    ("networking.istio.io", "networking.istio.io/v1/ServiceEntry"),
    ("gateway.networking.k8s.io", "gateway.networking.k8s.io/v1/Gateway"),
    ("gateway.networking.k8s.io", "gateway.networking.k8s.io/v1/GatewayClass"),
)


def _labels(labels: Mapping[str, str]) -> Problems:
    for key, value in labels.items():
        shown = quote(f"{key}={value}")
        if not key:
            yield error(f"empty key is not supported in selector: {shown}")
        if "*" in key or "*" in value:
            yield error(f"wildcard is not supported in selector: {shown}")


def workload_selector(selector: Record | None) -> Problems:
    """A selector with `matchLabels`."""
    if selector is None:
        return
    yield from _labels(selector.matchLabels)
    if not selector.matchLabels:
        yield warning("workload selector specified without labels")


def networking_selector(selector: Record | None, about: str) -> Problems:
    """A selector with `labels`; `about` names the kind in its warning."""
    if selector is None:
        return
    yield from _labels(selector.labels)
    if not selector.labels:
        effect = "will be applied to all services in namespace"
        yield warning(f"{about}: workload selector specified without labels, {effect}")


def attachment(spec: Record, single: bool = True) -> Problems:
    """`selector`, `targetRef` and `targetRefs` of a policy: at most one of them."""
    target = spec.targetRef if single else None
    if (spec.selector is not None) + (target is not None) + bool(spec.targetRefs) > 1:
        yield error("only one of targetRefs or workloadSelector can be set")
    yield from workload_selector(spec.selector)
    for each in [target, *spec.targetRefs] if target is not None else spec.targetRefs:
        yield from _target(each)


def _target(target: Record) -> Problems:
    if not target.name:
        yield error("targetRef name must be set")
    if target.namespace:
        yield error("targetRef namespace must not be set; cross namespace referencing is not supported")
    group = "" if target.group == "core" else target.group
    if not any(group == known and name.endswith(f"/{target.kind}") for known, name in _TARGETS):
        allowed = " ".join(name for _, name in _TARGETS)
        yield error(f"targetRef must be to one of [{allowed}] but was {target.group}/{target.kind}")
