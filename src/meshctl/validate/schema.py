"""The JSON Schema of `topology.yaml`: the structure of the file; `validate` adds what a schema can't say."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

API_VERSION = "meshctl/v1"
PROVIDERS = ("sandbox", "vagrant", "ssh")
DISTRIBUTIONS = ("embedded", "k3s", "existing")
NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
LABEL = r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
DOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
VERSION = r"^1\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$"


def _text(description: str, pattern: str | None = None, example: str = "", **more: Any) -> Schema:
    schema: Schema = {"type": "string", "description": description, **more}
    if pattern:
        schema["pattern"] = pattern
    else:
        schema.setdefault("minLength", 1)
    if example:
        schema["examples"] = [example]
    return schema


def _object(description: str, required: tuple[str, ...], **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def _address(description: str) -> Schema:
    return _text(description, example="192.168.229.137", format="ipv4")


def _cidr(description: str) -> Schema:
    return _text(description, example="172.20.0.0/16")


def _ssh(description: str) -> Schema:
    return _object(
        description,
        (),
        host=_text("Name or address to connect to, if it is not the node's address."),
        port={"type": "integer", "minimum": 1, "maximum": 65535, "description": "TCP port.", "default": 22},
        user=_text("Login name."),
        keyFile=_text("Private key file."),
        knownHostsFile=_text("known_hosts file that holds the hosts' keys; host keys are always checked."),
    )


_NODE = _object(
    "One host of the cluster.",
    ("name", "address"),
    name=_text("Node name, unique in the mesh.", NAME, "cluster1-n1"),
    address=_address("The node's IPv4 address, inside nodeNetwork."),
    role={
        "type": "string",
        "enum": ["control-plane", "worker"],
        "description": "Exactly one node serves the Kubernetes API: the one that says so, else the first.",
    },
    podCIDR=_cidr("Pod CIDR of this node, inside the cluster's; without it Kubernetes chooses."),
    ssh=_ssh("How this host is reached, where it differs from provider.ssh."),
)

_CLUSTER = _object(
    "One Kubernetes cluster.",
    ("name", "role", "network", "serviceCIDR", "locality", "nodes"),
    name=_text("Cluster name, unique in the mesh; also the kubeconfig context.", NAME, "cluster1"),
    role={"type": "string", "enum": ["primary", "remote"], "description": "Exactly one cluster is primary."},
    network=_text("Network name; pods of one network reach one another directly.", NAME, "network1"),
    podCIDR=_cidr("Pod CIDR of the cluster."),
    serviceCIDR=_cidr("Service CIDR of the cluster."),
    gateway={
        "description": "External IPv4 address of the east-west gateway, or a list of them.",
        "type": ["string", "array"],
        "items": {"type": "string"},
        "minItems": 1,
        "examples": ["192.168.229.100"],
    },
    locality=_object(
        "Where the cluster's nodes stand.",
        ("region",),
        region=_text("topology.kubernetes.io/region", LABEL, "us-central1"),
        zone=_text("topology.kubernetes.io/zone", LABEL, "z1"),
        subzone=_text("topology.istio.io/subzone", LABEL, "sz01"),
    ),
    nodes={"type": "array", "minItems": 1, "items": _NODE, "description": "The cluster's hosts."},
)

TOPOLOGY: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "meshctl topology",
    **_object(
        "A mesh of Kubernetes clusters.",
        ("apiVersion", "name", "nodeNetwork", "clusters"),
        apiVersion={"type": "string", "enum": [API_VERSION], "description": "Version of this format."},
        name=_text("Name of the topology; a sandbox of that name is made.", NAME, "classroom"),
        mesh=_object(
            "Identity of the mesh.",
            (),
            id=_text("Mesh ID.", NAME, "mesh1", default="mesh1"),
            trustDomain=_text("SPIFFE trust domain.", DOMAIN, "cluster.local", default="cluster.local"),
        ),
        istio=_object(
            "Which Istio is installed.",
            (),
            version=_text(
                "1.11.x installs the course's way, 1.22 and newer today's way.",
                VERSION,
                "1.31.0",
                default="1.31.0",
            ),
        ),
        provider=_object(
            "Where the hosts come from.",
            ("type",),
            type={
                "type": "string",
                "enum": list(PROVIDERS),
                "description": "Kind of hosts.",
                "default": "sandbox",
            },
            ssh=_ssh("How hosts are reached (ssh, vagrant)."),
        ),
        kubernetes=_object(
            "Which Kubernetes the hosts run.",
            ("distribution",),
            distribution={
                "type": "string",
                "enum": list(DISTRIBUTIONS),
                "description": "embedded: the sandbox's own; k3s: installed here; existing: only checked.",
            },
            version=_text("Version of k3s.", example="v1.33.4+k3s1"),
        ),
        nodeNetwork=_cidr("Network that holds every node and gateway address."),
        clusters={
            "type": "array",
            "minItems": 1,
            "items": _CLUSTER,
            "description": "The clusters of the mesh.",
        },
    ),
}
