"""East-west gateways: the door of each network for the clusters of the others."""

from __future__ import annotations

from typing import Any

from meshctl.render.flavour import is_course
from meshctl.render.manifest import INSTALL, ISTIO_SYSTEM, Manifest, manifest
from meshctl.topology import NETWORK_LABEL, Cluster, Topology

NAME = "istio-eastwestgateway"
LABELS = {"istio": "eastwestgateway", "app": NAME}
PORTS = {"status-port": 15021, "tls": 15443, "tls-istiod": 15012, "tls-webhook": 15017}


def operator(topology: Topology, cluster: Cluster) -> Manifest:
    """The IstioOperator that samples/multicluster/gen-eastwest-gateway.sh prints (1.11.2, or 1.31.0)."""
    course = is_course(topology)
    values: dict[str, Any] = {"network": cluster.network}
    if course:
        values = {
            "meshID": topology.mesh_id,
            "network": cluster.network,
            "multiCluster": {"clusterName": cluster.name},
        }
    return {
        "apiVersion": INSTALL,
        "kind": "IstioOperator",
        "metadata": {"name": "eastwest"},
        "spec": {
            "revision": "",
            "profile": "empty",
            "components": {"ingressGateways": [_gateway(cluster, course)]},
            "values": {
                "gateways": {"istio-ingressgateway": {"injectionTemplate": "gateway"}},
                "global": values,
            },
        },
    }


def _gateway(cluster: Cluster, course: bool) -> dict[str, Any]:
    env = {"ISTIO_META_REQUESTED_NETWORK_VIEW": cluster.network}
    if course:
        env = {"ISTIO_META_ROUTER_MODE": "sni-dnat", **env}
    return {
        "name": NAME,
        "label": labels(cluster),
        "enabled": True,
        "k8s": {
            "env": [{"name": name, "value": value} for name, value in env.items()],
            "service": {"ports": service_ports()},
        },
    }


def labels(cluster: Cluster) -> dict[str, str]:
    """Labels of the gateway's Deployment, pods and Service; istiod finds the gateway by the network's."""
    return {**LABELS, NETWORK_LABEL: cluster.network}


def service_ports() -> list[dict[str, Any]]:
    """Ports of the gateway's Service."""
    return [{"name": name, "port": port, "targetPort": port} for name, port in PORTS.items()]


def external_ips(cluster: Cluster) -> Manifest:
    """The merge patch that gives the gateway's Service the addresses from which istiod learns where it is."""
    return {"spec": {"externalIPs": [str(address) for address in cluster.gateway_addresses]}}


def service(cluster: Cluster) -> Manifest:
    """The gateway's Service as installing the operator makes it, with the gateway's addresses."""
    spec = {
        "type": "LoadBalancer",
        "selector": dict(LABELS),
        "ports": [{**port, "protocol": "TCP"} for port in service_ports()],
        **external_ips(cluster)["spec"],
    }
    return manifest("v1", "Service", NAME, ISTIO_SYSTEM, labels=labels(cluster), spec=spec)
