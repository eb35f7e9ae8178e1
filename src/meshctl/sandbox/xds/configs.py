"""The Istio objects of the primary cluster, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

ISTIO_GROUPS = ("networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io")


@dataclass(frozen=True, slots=True)
class Config:
    """One Istio object; `spec` keeps the camelCase of its manifest."""

    kind: str
    name: str
    namespace: str
    spec: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    def path(self, kind: str) -> str:
        """The resource path in Envoy's metadata; `kind` as `destination-rule`; v1 whatever was written."""
        return f"/apis/networking.istio.io/v1/namespaces/{self.namespace}/{kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class ConfigStore:
    """Istio objects by kind, each list oldest first, then by name and namespace (Istio model/config.go)."""

    by_kind: Mapping[str, tuple[Config, ...]]

    def of(self, kind: str) -> tuple[Config, ...]:
        """Every object of that kind, such as `Gateway` or `PeerAuthentication`."""
        return self.by_kind.get(kind, ())

    def within(self, kind: str, namespace: str) -> tuple[Config, ...]:
        """Those of one namespace."""
        return tuple(config for config in self.of(kind) if config.namespace == namespace)


def store(objects: Iterable[Mapping[str, Any]]) -> ConfigStore:
    """The Istio objects among a cluster's objects; the Gateway API's Gateways stay out."""
    configs = sorted(
        (_config(item) for item in objects if item["apiVersion"].split("/")[0] in ISTIO_GROUPS),
        key=lambda config: (config.kind, config.created, config.name, config.namespace),
    )
    return ConfigStore({kind: tuple(group) for kind, group in groupby(configs, attrgetter("kind"))})


def _config(item: Mapping[str, Any]) -> Config:
    meta = item["metadata"]
    return Config(
        kind=item["kind"],
        name=meta["name"],
        namespace=meta.get("namespace", "default"),
        spec=item.get("spec") or {},
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        created=str(meta.get("creationTimestamp") or ""),
    )


def selects(selector: Mapping[str, str] | None, labels: Mapping[str, str]) -> bool:
    """Whether every label of `selector` is among `labels`; an empty selector selects all."""
    return not selector or selector.items() <= labels.items()


def names(configs: Sequence[Config]) -> tuple[str, ...]:
    """`namespace/name` of each."""
    return tuple(f"{config.namespace}/{config.name}" for config in configs)
