"""Pods that answer 500 without a switch of their own: Envoy's fault filter in their sidecars, set by an EnvoyFilter."""

from __future__ import annotations

from typing import Any

from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest, manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE

STATUS = 500
FILTER = "envoy.filters.http.fault"
TYPE = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"


def envoy_filter(outage: Outage) -> Manifest:
    """The object for a service in a cluster; its callers see a host that fails, so they may eject it.

    The rules of the primary hold for the pods of every cluster: the proxy's CLUSTER_ID, not a label, tells them apart.
    """
    inbound: dict[str, Any] = {
        "context": "SIDECAR_INBOUND",
        "proxy": {"metadata": {"CLUSTER_ID": outage.cluster}},
        "listener": {
            "filterChain": {
                "filter": {
                    "name": "envoy.filters.network.http_connection_manager",
                    "subFilter": {"name": "envoy.filters.http.router"},
                }
            }
        },
    }
    abort = {"http_status": STATUS, "percentage": {"numerator": 100, "denominator": "HUNDRED"}}
    patch = {
        "operation": "INSERT_BEFORE",
        "value": {"name": FILTER, "typed_config": {"@type": TYPE, "abort": abort}},
    }
    spec = {
        "workloadSelector": {"labels": {"app": outage.service}},
        "configPatches": [{"applyTo": "HTTP_FILTER", "match": inbound, "patch": patch}],
    }
    name = f"lab-failing-{outage.service}-{outage.cluster}"
    return manifest("networking.istio.io/v1alpha3", "EnvoyFilter", name, NAMESPACE, spec=spec)
