"""Which rules hold for which built-in kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause
from meshctl.sandbox.apiserver.validation.kubernetes.rules import access, cluster, config, network, workload
from meshctl.sandbox.apiserver.validation.kubernetes.rules.definition import (
    definition_causes,
    definition_change_causes,
)
from meshctl.sandbox.apiserver.validation.kubernetes.rules.pod import pod_causes, pod_change_causes, template_causes
from meshctl.sandbox.apiserver.validation.kubernetes.rules.service import service_causes, service_change_causes
from meshctl.sandbox.apiserver.validation.metadata import NameRule, change_causes, metadata_causes

Object = dict[str, Any]


def _nothing(_: Object) -> Iterator[Cause]:
    return iter(())


def _no_change(_: Object, __: Object) -> Iterator[Cause]:
    return iter(())


@dataclass(frozen=True)
class Rules:
    """The rules of a kind: of its name, of its state, of a change; a pod's state is judged when it is new."""

    state: Callable[[Object], Iterator[Cause]] = _nothing
    change: Callable[[Object, Object], Iterator[Cause]] = _no_change
    name: NameRule = names.subdomain
    namespaced: bool = True


_CLUSTER_SCOPED = frozenset(
    {
        *("APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding"),
        *("ComponentStatus", "CustomResourceDefinition", "DeviceClass", "FlowSchema", "IPAddress", "IngressClass"),
        *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "Namespace"),
        *("Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass"),
        *("ServiceCIDR", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass"),
    }
)
_UNNAMED = frozenset(
    {
        *("Binding", "Eviction", "LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectReview"),
        *("SelfSubjectRulesReview", "Status", "SubjectAccessReview", "TokenRequest", "TokenReview", "Scale"),
    }
)


def _pod_template(obj: Object) -> Iterator[Cause]:
    return template_causes(obj.get("template") or {}, "template")


_ROLE = Rules(access.role_causes, name=names.path_segment)
_BINDING = Rules(access.binding_causes, access.binding_change_causes, names.path_segment)
_RULES: dict[tuple[str, str], Rules] = {
    ("", "ConfigMap"): Rules(config.config_map_causes, config.fixed_causes),
    ("", "Endpoints"): Rules(network.endpoints_causes),
    ("", "Event"): Rules(cluster.event_causes),
    ("", "Namespace"): Rules(cluster.namespace_causes, name=names.label),
    ("", "Node"): Rules(cluster.node_causes, cluster.node_change_causes),
    ("", "PersistentVolume"): Rules(cluster.volume_causes),
    ("", "PersistentVolumeClaim"): Rules(cluster.claim_causes),
    ("", "Pod"): Rules(pod_causes, pod_change_causes),
    ("", "PodTemplate"): Rules(_pod_template),
    ("", "ReplicationController"): Rules(workload.replication_controller_causes),
    ("", "Secret"): Rules(config.secret_causes, config.secret_change_causes),
    ("", "Service"): Rules(service_causes, service_change_causes, names.label),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): Rules(access.webhook_causes),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): Rules(access.webhook_causes),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Rules(definition_causes, definition_change_causes),
    ("apps", "DaemonSet"): Rules(workload.daemon_set_causes, workload.selector_change_causes),
    ("apps", "Deployment"): Rules(workload.deployment_causes, workload.selector_change_causes),
    ("apps", "ReplicaSet"): Rules(workload.replica_set_causes, workload.selector_change_causes),
    ("apps", "StatefulSet"): Rules(workload.stateful_set_causes, workload.stateful_set_change_causes),
    ("autoscaling", "HorizontalPodAutoscaler"): Rules(cluster.autoscaler_causes),
    ("batch", "CronJob"): Rules(workload.cron_job_causes),
    ("batch", "Job"): Rules(workload.job_causes, workload.job_change_causes),
    ("coordination.k8s.io", "Lease"): Rules(cluster.lease_causes),
    ("discovery.k8s.io", "EndpointSlice"): Rules(network.endpoint_slice_causes, network.endpoint_slice_change_causes),
    ("networking.k8s.io", "Ingress"): Rules(network.ingress_causes),
    ("networking.k8s.io", "NetworkPolicy"): Rules(network.network_policy_causes),
    ("policy", "PodDisruptionBudget"): Rules(cluster.disruption_budget_causes),
    ("rbac.authorization.k8s.io", "ClusterRole"): _ROLE,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "Role"): _ROLE,
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("scheduling.k8s.io", "PriorityClass"): Rules(cluster.priority_class_causes, cluster.priority_class_change_causes),
    ("storage.k8s.io", "StorageClass"): Rules(cluster.storage_class_causes, cluster.storage_class_change_causes),
}


def causes(obj: Object, old: Object | None = None) -> Iterator[Cause]:
    """What is wrong with a defaulted object of a built-in kind, or with the change from `old`."""
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    kind = str(obj.get("kind", ""))
    if kind in _UNNAMED:
        return
    rules = _RULES.get((group, kind), Rules())
    meta = obj.get("metadata") or {}
    yield from metadata_causes(meta, rules.name, kind not in _CLUSTER_SCOPED)
    if old is not None:
        yield from change_causes(meta, old.get("metadata") or {})
    if old is None or kind != "Pod":
        yield from rules.state(obj)
    if old is not None:
        yield from rules.change(obj, old)
