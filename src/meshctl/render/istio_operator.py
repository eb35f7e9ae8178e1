"""IstioOperator files: the control plane of the primary, and what joins the remotes to it."""

from __future__ import annotations

from typing import Any

from meshctl.render.flavour import is_course
from meshctl.render.manifest import INSTALL, Manifest
from meshctl.topology import Cluster, Topology

INGRESS, EGRESS = "istio-ingressgateway", "istio-egressgateway"


def control_plane(topology: Topology, cluster: Cluster) -> Manifest:
    """The IstioOperator of a cluster (no metadata.name, as the documentation has it)."""
    if is_course(topology):
        spec = _course(topology, cluster)
    elif cluster.primary:
        spec = _primary(topology, cluster)
    else:
        spec = _remote(topology, cluster)
    return {"apiVersion": INSTALL, "kind": "IstioOperator", "spec": spec}


def remote_pilot_address(topology: Topology) -> str:
    """Where remotes find the control plane: the primary's east-west gateway."""
    return str(topology.primary.gateway_addresses[0])


def _course(topology: Topology, cluster: Cluster) -> dict[str, Any]:
    """Profile demo everywhere; in remotes `remotePilotAddress` points xDS at the primary, the rest stays local.

    Source: charts/base/templates/{services,endpoints}.yaml and istio-discovery's configmap.yaml, Istio 1.11.2.
    """
    values = {"imagePullPolicy": "IfNotPresent", **_identity(topology, cluster)}
    if not cluster.primary:
        values["remotePilotAddress"] = remote_pilot_address(topology)
    return {
        "profile": "demo",
        "meshConfig": _mesh_config(topology),
        "components": {"egressGateways": [{"name": EGRESS, "enabled": True}]},
        "values": {"global": values},
    }


def _primary(topology: Topology, cluster: Cluster) -> dict[str, Any]:
    """`externalIstiod` becomes EXTERNAL_ISTIOD: only then does istiod patch remote webhooks (Istio 1.31)."""
    return {
        "meshConfig": _mesh_config(topology),
        "components": _gateways(),
        "values": {"global": {**_identity(topology, cluster), "externalIstiod": True}},
    }


def _remote(topology: Topology, cluster: Cluster) -> dict[str, Any]:
    """No istiod here: the injection path tells the primary's webhook the cluster and network (Istio 1.31).

    Gateways are injected, since a remote has no mesh configuration of its own to start them from.
    """
    return {
        "profile": "remote",
        "components": _gateways(),
        "values": {
            "istiodRemote": {"injectionPath": f"/inject/cluster/{cluster.name}/net/{cluster.network}"},
            "global": {"remotePilotAddress": remote_pilot_address(topology)},
            "gateways": {name: {"injectionTemplate": "gateway"} for name in (INGRESS, EGRESS)},
        },
    }


def _identity(topology: Topology, cluster: Cluster) -> dict[str, Any]:
    return {
        "meshID": topology.mesh_id,
        "multiCluster": {"clusterName": cluster.name},
        "network": cluster.network,
    }


def _mesh_config(topology: Topology) -> dict[str, Any]:
    return {"accessLogFile": "/dev/stdout", "enableTracing": True, "trustDomain": topology.trust_domain}


def _gateways() -> dict[str, Any]:
    return {
        "ingressGateways": [{"name": INGRESS, "enabled": True}],
        "egressGateways": [{"name": EGRESS, "enabled": True}],
    }
