"""The built-in named groups, in the order in which discovery lists them."""

from __future__ import annotations

from meshctl.sandbox.apiserver.resources.core import CORE
from meshctl.sandbox.apiserver.resources.resource import CHANGES, VERBS, Resource, Subresource
from meshctl.sandbox.apiserver.selectors.fields import METADATA, Field, field

CREATE = ("create",)
SCALE = Subresource("scale", "Scale", CHANGES, "autoscaling", "v1")

EVENT_FIELDS = (
    *METADATA,
    *(field(f"involvedObject.{name}", f"regarding.{name}") for name in ("kind", "namespace", "name", "uid")),
    field("reason"),
    field("reportingComponent", "reportingController"),
    field("type"),
)


def _row(
    group: str,
    plural: str,
    kind: str,
    short: str = "",
    subresources: str = "",
    *,
    version: str = "v1",
    namespaced: bool = True,
    verbs: tuple[str, ...] = VERBS,
    fields: tuple[Field, ...] = METADATA,
    categories: tuple[str, ...] = (),
    storage: str | None = None,
    storage_version: str = "",
) -> Resource:
    return Resource(
        group,
        version,
        plural,
        kind,
        namespaced,
        tuple(short.split()),
        categories,
        verbs,
        tuple(SCALE if name == "scale" else Subresource(name, kind) for name in subresources.split()),
        fields,
        kind.lower(),
        f"{kind}List",
        f"{plural}.{group}" if storage is None else storage,
        storage_version,
    )


def _review(group: str, plural: str, kind: str, namespaced: bool = False) -> Resource:
    return _row(group, plural, kind, namespaced=namespaced, verbs=CREATE, storage="")


ALL = ("all",)
EXTENSIONS = ("api-extensions",)
APPS = "apps"
BATCH = "batch"
NETWORKING = "networking.k8s.io"
RBAC = "rbac.authorization.k8s.io"
STORAGE = "storage.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
AUTOSCALING = "autoscaling"
FLOW = "flowcontrol.apiserver.k8s.io"
HPA = ("horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "status")

BUILTIN = (
    *CORE,
    _row(APPS, "controllerrevisions", "ControllerRevision"),
    _row(APPS, "daemonsets", "DaemonSet", "ds", "status", categories=ALL),
    _row(APPS, "deployments", "Deployment", "deploy", "scale status", categories=ALL),
    _row(APPS, "replicasets", "ReplicaSet", "rs", "scale status", categories=ALL),
    _row(APPS, "statefulsets", "StatefulSet", "sts", "scale status", categories=ALL),
    _row("events.k8s.io", "events", "Event", "ev", storage="events", fields=EVENT_FIELDS),
    _review(AUTHENTICATION, "selfsubjectreviews", "SelfSubjectReview"),
    _review(AUTHENTICATION, "tokenreviews", "TokenReview"),
    _review(AUTHORIZATION, "localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    _review(AUTHORIZATION, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    _review(AUTHORIZATION, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    _review(AUTHORIZATION, "subjectaccessreviews", "SubjectAccessReview"),
    _row(AUTOSCALING, *HPA, version="v2", categories=ALL),
    _row(AUTOSCALING, *HPA, version="v1", categories=ALL, storage_version="v2"),
    _row(BATCH, "cronjobs", "CronJob", "cj", "status", categories=ALL),
    _row(
        BATCH,
        "jobs",
        "Job",
        "",
        "status",
        categories=ALL,
        fields=(*METADATA, field("status.succeeded", "status.successful", absent="0")),
    ),
    _row(
        "certificates.k8s.io",
        "certificatesigningrequests",
        "CertificateSigningRequest",
        "csr",
        "approval status",
        namespaced=False,
        fields=(METADATA[0], field("spec.signerName")),
    ),
    _row(NETWORKING, "ingressclasses", "IngressClass", namespaced=False),
    _row(NETWORKING, "ingresses", "Ingress", "ing", "status"),
    _row(NETWORKING, "ipaddresses", "IPAddress", "ip", namespaced=False),
    _row(NETWORKING, "networkpolicies", "NetworkPolicy", "netpol"),
    _row(NETWORKING, "servicecidrs", "ServiceCIDR", "", "status", namespaced=False),
    _row("policy", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", "status"),
    _row(RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _row(RBAC, "clusterroles", "ClusterRole", namespaced=False),
    _row(RBAC, "rolebindings", "RoleBinding"),
    _row(RBAC, "roles", "Role"),
    _row(STORAGE, "csidrivers", "CSIDriver", namespaced=False),
    _row(STORAGE, "csinodes", "CSINode", namespaced=False),
    _row(STORAGE, "csistoragecapacities", "CSIStorageCapacity"),
    _row(STORAGE, "storageclasses", "StorageClass", "sc", namespaced=False),
    _row(STORAGE, "volumeattachments", "VolumeAttachment", "", "status", namespaced=False),
    _row(STORAGE, "volumeattributesclasses", "VolumeAttributesClass", "vac", namespaced=False),
    _row(
        ADMISSION,
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        namespaced=False,
        categories=EXTENSIONS,
    ),
    _row(
        ADMISSION,
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        "",
        "status",
        namespaced=False,
        categories=EXTENSIONS,
    ),
    _row(
        ADMISSION,
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        namespaced=False,
        categories=EXTENSIONS,
    ),
    _row(
        ADMISSION,
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        namespaced=False,
        categories=EXTENSIONS,
    ),
    _row(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd crds",
        "status",
        namespaced=False,
        categories=EXTENSIONS,
    ),
    _row("scheduling.k8s.io", "priorityclasses", "PriorityClass", "pc", namespaced=False),
    _row("coordination.k8s.io", "leases", "Lease"),
    _row("node.k8s.io", "runtimeclasses", "RuntimeClass", namespaced=False),
    _row("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    _row(FLOW, "flowschemas", "FlowSchema", "", "status", namespaced=False),
    _row(FLOW, "prioritylevelconfigurations", "PriorityLevelConfiguration", "", "status", namespaced=False),
)
