"""Meshes of any size, as the Kubernetes objects of their clusters."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

Object = dict[str, Any]
REPLICAS = 10
FIRST_POD, FIRST_VIP, FIRST_GATEWAY = IPv4Address("10.0.0.1"), IPv4Address("172.16.0.1"), IPv4Address("192.168.0.1")
GATEWAY = "istio-eastwestgateway"


def objects(services: int, clusters: int) -> dict[str, list[Object]]:
    """`services` with REPLICAS pods each, spread one by one over the clusters; two clusters on a network."""
    found = {f"c{number}": _cluster(number) for number in range(clusters)}
    for service in range(services):
        for replica in range(REPLICAS):
            cluster = (service + replica) % clusters
            found[f"c{cluster}"] += _service(service, cluster, FIRST_POD + service * REPLICAS + replica)
    return found


def _cluster(number: int) -> list[Object]:
    network = {"topology.istio.io/network": f"network{number // 2}"}
    place = {"topology.kubernetes.io/region": f"r{number}", "topology.kubernetes.io/zone": "z1"}
    gateway = {
        "clusterIP": str(FIRST_VIP - 1),
        "externalIPs": [str(FIRST_GATEWAY + number)],
        "ports": [{"name": "tls", "port": 15443}],
    }
    return [
        _object("v1", "Namespace", "istio-system", "", labels=network),
        _object("v1", "Node", f"c{number}-n1", "", labels=place),
        _object("v1", "Service", GATEWAY, "istio-system", labels=network, spec=gateway),
    ]


def _service(number: int, cluster: int, address: IPv4Address) -> list[Object]:
    name, pod = f"s{number}", f"s{number}-{address}"
    vip = str(FIRST_VIP + number)
    labels = {"app": name, "version": "v1", "security.istio.io/tlsMode": "istio"}
    endpoint = {
        "addresses": [str(address)],
        "conditions": {"ready": True},
        "targetRef": {"kind": "Pod", "namespace": "shop", "name": pod},
    }
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return [
        _object("v1", "Service", name, "shop", spec={"clusterIP": vip, "selector": {"app": name}, "ports": ports}),
        _object(
            "v1",
            "Pod",
            pod,
            "shop",
            labels=labels,
            spec={"nodeName": f"c{cluster}-n1", "serviceAccountName": name, "containers": []},
            status={"podIP": str(address), "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        ),
        _object(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            f"{name}-{cluster}",
            "shop",
            labels={"kubernetes.io/service-name": name},
            addressType="IPv4",
            endpoints=[endpoint],
            ports=[{"name": "http", "port": 8080}],
        ),
    ]


def _object(version: str, kind: str, name: str, namespace: str, **rest: Any) -> Object:
    meta: Object = {"name": name, "labels": rest.pop("labels", {})}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
