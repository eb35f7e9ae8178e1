"""The core group, v1."""

from __future__ import annotations

from meshctl.sandbox.apiserver.resources.resource import CHANGES, VERBS, Resource, Subresource
from meshctl.sandbox.apiserver.selectors.fields import METADATA, Field, field

PROXY_VERBS = ("create", "delete", "get", "patch", "update")
STREAM_VERBS = ("create", "get")

POD_FIELDS = (
    *METADATA,
    field("spec.nodeName"),
    field("spec.restartPolicy"),
    field("spec.schedulerName"),
    field("spec.serviceAccountName"),
    field("spec.hostNetwork", boolean=True),
    field("status.phase"),
    field("status.podIP"),
    field("status.nominatedNodeName"),
    field("spec.nodeName", "spec.host"),
)
EVENT_FIELDS = (
    *METADATA,
    *(
        field(f"involvedObject.{name}")
        for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    ),
    field("reason"),
    field("reportingComponent"),
    field("source.component", "source"),
    field("type"),
)
NODE_FIELDS = (METADATA[0], field("spec.unschedulable", boolean=True))
SERVICE_FIELDS = (*METADATA, field("spec.clusterIP"), field("spec.type"))


def _core(  # a row of the table below
    plural: str,
    kind: str,
    short: str = "",
    *subresources: Subresource,
    namespaced: bool = True,
    verbs: tuple[str, ...] = VERBS,
    fields: tuple[Field, ...] = METADATA,
    everything: bool = False,
    stored: bool = True,
) -> Resource:
    return Resource(
        "",
        "v1",
        plural,
        kind,
        namespaced,
        tuple(short.split()),
        ("all",) if everything else (),
        verbs,
        subresources,
        fields,
        kind.lower(),
        f"{kind}List",
        plural if stored else "",
    )


def _status(kind: str) -> Subresource:
    return Subresource("status", kind)


POD_SUBRESOURCES = (
    Subresource("attach", "PodAttachOptions", STREAM_VERBS),
    Subresource("binding", "Binding", ("create",)),
    Subresource("ephemeralcontainers", "Pod"),
    Subresource("eviction", "Eviction", ("create",), "policy", "v1"),
    Subresource("exec", "PodExecOptions", STREAM_VERBS),
    Subresource("log", "Pod", ("get",)),
    Subresource("portforward", "PodPortForwardOptions", STREAM_VERBS),
    Subresource("proxy", "PodProxyOptions", PROXY_VERBS),
    Subresource("resize", "Pod"),
    Subresource("status", "Pod"),
)

CORE = (
    _core("bindings", "Binding", verbs=("create",), stored=False),
    _core("componentstatuses", "ComponentStatus", "cs", namespaced=False, verbs=("get", "list"), stored=False),
    _core("configmaps", "ConfigMap", "cm"),
    _core("endpoints", "Endpoints", "ep"),
    _core("events", "Event", "ev", fields=EVENT_FIELDS),
    _core("limitranges", "LimitRange", "limits"),
    _core(
        "namespaces",
        "Namespace",
        "ns",
        Subresource("finalize", "Namespace", ("update",)),
        _status("Namespace"),
        namespaced=False,
        verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
        fields=(METADATA[0], field("status.phase")),
    ),
    _core(
        "nodes",
        "Node",
        "no",
        Subresource("proxy", "NodeProxyOptions", PROXY_VERBS),
        _status("Node"),
        namespaced=False,
        fields=NODE_FIELDS,
    ),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc", _status("PersistentVolumeClaim")),
    _core("persistentvolumes", "PersistentVolume", "pv", _status("PersistentVolume"), namespaced=False),
    _core("pods", "Pod", "po", *POD_SUBRESOURCES, fields=POD_FIELDS, everything=True),
    _core("podtemplates", "PodTemplate"),
    _core(
        "replicationcontrollers",
        "ReplicationController",
        "rc",
        Subresource("scale", "Scale", CHANGES, "autoscaling", "v1"),
        _status("ReplicationController"),
        fields=(*METADATA, field("status.replicas")),
        everything=True,
    ),
    _core("resourcequotas", "ResourceQuota", "quota", _status("ResourceQuota")),
    _core("secrets", "Secret", fields=(*METADATA, field("type"))),
    _core(
        "serviceaccounts",
        "ServiceAccount",
        "sa",
        Subresource("token", "TokenRequest", ("create",), "authentication.k8s.io", "v1"),
    ),
    _core(
        "services",
        "Service",
        "svc",
        Subresource("proxy", "ServiceProxyOptions", PROXY_VERBS),
        _status("Service"),
        fields=SERVICE_FIELDS,
        everything=True,
    ),
)
