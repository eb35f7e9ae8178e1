"""Rules of Telemetries and ProxyConfigs."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules.selector import attachment, workload_selector

_TAG_KINDS = {"literal": ("value", "literal tag value"), "header": ("name", "header tag name")} | {
    "environment": ("name", "environment tag name")
}


def telemetry(spec: Record) -> Problems:
    """A Telemetry's spec."""
    yield from attachment(spec)
    for metrics in spec.metrics:
        yield from _providers(metrics.providers)
        for override in metrics.overrides:
            yield from _override(override)
    if len(spec.tracing) > 1:
        yield warning("multiple tracing is not currently supported")
    for tracing in spec.tracing:
        yield from _tracing(tracing)
    for logging in spec.accessLogging:
        yield from _providers(logging.providers)


def _providers(providers: Sequence[Record]) -> Problems:
    if not all(provider.name for provider in providers):
        yield error("providers.name may not be empty")


def _override(override: Record) -> Problems:
    for name, tag in override.tagOverrides.items():
        if not name:
            yield warning("tagOverrides.name may not be empty")
        if tag.operation == "UPSERT" and not tag.value:
            yield error("tagOverrides.value must be set when operation is UPSERT")
        if tag.operation == "REMOVE" and tag.value:
            yield error("tagOverrides.value may only be set when operation is UPSERT")
    match = override.match
    if match is not None and match.holds("customMetric") and not match.customMetric:
        yield error("customMetric may not be empty")


def _tracing(tracing: Record) -> Problems:
    if len(tracing.providers) > 1:
        yield warning("multiple providers is not currently supported")
    yield from _providers(tracing.providers)
    if not 0 <= (tracing.randomSamplingPercentage or 0) <= 100:
        yield error("randomSamplingPercentage must be in range [0.0, 100.0]")
    for name, tag in tracing.customTags.items():
        if not name:
            yield error("tag name may not be empty")
        for kind, (field, about) in _TAG_KINDS.items():
            if tag[kind] is not None and not tag[kind][field]:
                yield error(f"{about} may not be empty")


def proxy_config(spec: Record) -> Problems:
    """A ProxyConfig's spec."""
    yield from workload_selector(spec.selector)
    if (spec.concurrency or 0) < 0:
        yield error("concurrency must be greater than or equal to 0")
