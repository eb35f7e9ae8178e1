"""Where proxies fetch certificates: from their agent, or from the control plane for Kubernetes Secrets."""

from __future__ import annotations

from meshctl.sandbox.xds.message import Json

WORKLOAD, ROOT = "default", "ROOTCA"
_SCHEMES = ("kubernetes://", "kubernetes-gateway://", "configmap://")


def agent_secret(name: str) -> Json:
    """A secret of the proxy's agent: `default`, `ROOTCA`, or `file-cert:...` and `file-root:...` of its pod.

    Only the first two may hold Envoy up for ever; for a file that is not there it waits its 15 s (Istio
    pkg/model/authentication.go).
    """
    source = {
        "api_config_source": {
            "api_type": "GRPC",
            "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
            "set_node_on_first_message_only": True,
            "transport_api_version": "V3",
        },
        "resource_api_version": "V3",
    }
    wait = {"initial_fetch_timeout": "0s"} if name in (WORKLOAD, ROOT) else {}
    return {"name": name, "sds_config": source | wait}


def root_secret(path: str) -> Json:
    """The CA that peers are checked against: a file of the pod, else the mesh's root."""
    return agent_secret(f"file-root:{path}" if path else ROOT)


def credential(name: str) -> Json:
    """A Kubernetes Secret that a `credentialName` means; `builtin://` is the workload's own certificate."""
    if name.startswith("builtin://"):
        return agent_secret(ROOT if name.endswith("-cacert") else WORKLOAD)
    name = name.removeprefix("sds://")
    resource = name if name.startswith(_SCHEMES) else f"kubernetes://{name}"
    return {"name": resource, "sds_config": {"ads": {}, "resource_api_version": "V3"}}
