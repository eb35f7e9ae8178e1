"""Kubernetes objects as dicts, and their YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

Manifest = dict[str, Any]

ISTIO_SYSTEM = "istio-system"
# Served by 1.11 and by 1.31; v1alpha3 is deprecated in the one, v1 unknown to the other.
NETWORKING = "networking.istio.io/v1beta1"
INSTALL = "install.istio.io/v1alpha1"

_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Plain(_Dumper):  # type: ignore[misc]
    """Writes every value out: anchors are hard to read, and some readers refuse them."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: Any, data: str) -> Any:
    # Certificates and kubeconfigs are read by people.
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Plain.add_representer(str, _text)


def manifest(
    api_version: str,
    kind: str,
    name: str,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """An object; `body` holds its other top-level fields, such as `spec`."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def to_yaml(manifests: Iterable[Manifest]) -> str:
    """YAML documents in the order given, keys in the order of the manifest."""
    documents = list(manifests)
    return str(
        yaml.dump_all(
            documents, Dumper=_Plain, sort_keys=False, default_flow_style=False, explicit_start=len(documents) > 1
        )
    )
