"""The ConfigMaps that istiod reads: the mesh's settings, the injector's values, what was installed."""

from __future__ import annotations

import json
from typing import Any

import yaml

from meshctl.render.install.installation import REVISION, Installation
from meshctl.render.install.marks import RELEASE, owned
from meshctl.render.manifest import ISTIO_SYSTEM, Manifest, manifest

MESH, INJECTOR, INSTALLED = "istio", "istio-sidecar-injector", "values"
LABELS = {**RELEASE, **owned("Pilot")}
# Which templates there are is the control plane's own business; this much of it is a setting.
_POLICY = {"policy": "enabled", "alwaysInjectSelector": [], "neverInjectSelector": [], "defaultTemplates": ["sidecar"]}


def mesh(installation: Installation) -> Manifest:
    """`meshConfig` as istiod reads it."""
    data = {"mesh": yaml.safe_dump(dict(installation.mesh)), "meshNetworks": "networks: {}"}
    return manifest("v1", "ConfigMap", MESH, ISTIO_SYSTEM, labels=LABELS, data=data)


def injector(installation: Installation) -> Manifest:
    """What the injection webhook reads: cluster, network, images."""
    data = {"config": yaml.safe_dump(_POLICY), "values": _json(_values(installation))}
    return manifest("v1", "ConfigMap", INJECTOR, ISTIO_SYSTEM, labels=LABELS, data=data)


def installed(installation: Installation) -> Manifest:
    """What was installed, for people and tools."""
    text = _json(installation.values)
    annotations = {"kubernetes.io/description": "The values of this installation; a change here has no effect."}
    data = {"merged-values": text, "original-values": text}
    return manifest("v1", "ConfigMap", INSTALLED, ISTIO_SYSTEM, labels=LABELS, annotations=annotations, data=data)


def _values(installation: Installation) -> dict[str, Any]:
    return {
        "gateways": installation.values["gateways"],
        "global": installation.globals,
        "revision": REVISION,
    }


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, sort_keys=True)
