"""What the API server fills into built-in kinds (k8s.io/kubernetes, pkg/apis/*/v1/defaults.go, 1.36)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from meshctl.sandbox.apiserver.validation.kubernetes.pod_defaults import (
    Object,
    default_pod_spec,
    default_template,
    fill,
)

_RBAC = "rbac.authorization.k8s.io"
_SCALE_UP = ({"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15})
_SCALE_DOWN = ({"type": "Percent", "value": 100, "periodSeconds": 15},)


def defaulted(obj: Object) -> Object:
    """A copy of an object with its kind's defaults; as it is for a kind without any."""
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    default = _DEFAULTS.get((group, str(obj.get("kind", ""))))
    if default is None:
        return obj
    filled = deepcopy(obj)
    default(filled)
    return filled


def _spec(obj: Object) -> Object:
    spec: Object = obj.setdefault("spec", {})
    return spec


def _service(obj: Object) -> None:
    spec = _spec(obj)
    fill(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        fill(client, {"timeoutSeconds": 10800})
    for port in spec.get("ports") or ():
        fill(port, {"protocol": "TCP"})
        if port.get("targetPort") in (None, 0, "") and "port" in port:
            port["targetPort"] = port["port"]
    if spec["type"] in ("NodePort", "LoadBalancer"):
        fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] != "ExternalName":
        fill(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        fill(spec, {"allocateLoadBalancerNodePorts": True})


def _secret(obj: Object) -> None:
    obj["type"] = obj.get("type") or "Opaque"
    plain = obj.pop("stringData", None) or {}
    if plain:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _namespace(obj: Object) -> None:
    name = obj.get("metadata", {}).get("name")
    if name:
        labels = obj["metadata"].setdefault("labels", {})
        fill(labels, {"kubernetes.io/metadata.name": name})


def _endpoints(obj: Object) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            fill(port, {"protocol": "TCP"})


def _pod(obj: Object) -> None:
    spec = _spec(obj)
    default_pod_spec(spec)
    fill(spec, {"enableServiceLinks": True})


def _pod_template(obj: Object) -> None:
    default_template(obj)


def _volume(obj: Object) -> None:
    fill(_spec(obj), {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
    fill(obj.setdefault("status", {}), {"phase": "Pending"})


def _claim(obj: Object) -> None:
    fill(_spec(obj), {"volumeMode": "Filesystem"})
    fill(obj.setdefault("status", {}), {"phase": "Pending"})


def _labels_of_template(obj: Object) -> Object:
    labels: Object = obj["spec"]["template"]["metadata"].get("labels") or {}
    if labels and not obj.get("metadata", {}).get("labels"):
        obj.setdefault("metadata", {})["labels"] = dict(labels)
    return labels


def _replication_controller(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    labels = _labels_of_template(obj)
    if labels and not spec.get("selector"):
        spec["selector"] = dict(labels)
    fill(spec, {"replicas": 1})


def _replica_set(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    fill(spec, {"replicas": 1})


def _deployment(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = spec.setdefault("strategy", {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": "25%", "maxSurge": "25%"})


def _daemon_set(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    fill(spec, {"revisionHistoryLimit": 10})
    strategy = spec.setdefault("updateStrategy", {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": 1, "maxSurge": 0})


def _stateful_set(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    fill(spec, {"replicas": 1, "revisionHistoryLimit": 10})
    spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
    strategy = spec.setdefault("updateStrategy", {})
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        fill(strategy.setdefault("rollingUpdate", {}), {"partition": 0})
    fill(spec.setdefault("persistentVolumeClaimRetentionPolicy", {}), {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        _claim(claim)


def _job(obj: Object) -> None:
    spec = _spec(obj)
    default_template(spec)
    _labels_of_template(obj)
    if "completions" not in spec and "parallelism" not in spec:
        fill(spec, {"completions": 1})
    fill(spec, {"parallelism": 1, "completionMode": "NonIndexed", "suspend": False})
    fill(spec, {"backoffLimit": 2**31 - 1 if "backoffLimitPerIndex" in spec else 6})
    fill(spec, {"podReplacementPolicy": "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"})


def _cron_job(obj: Object) -> None:
    spec = _spec(obj)
    spec["concurrencyPolicy"] = spec.get("concurrencyPolicy") or "Allow"
    fill(spec, {"suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    default_template(template.setdefault("spec", {}))


def _autoscaler(obj: Object) -> None:
    spec = _spec(obj)
    fill(spec, {"minReplicas": 1})
    if not obj["apiVersion"].endswith("/v2"):
        return
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behaviour = spec.get("behavior")
    if behaviour is not None:
        up, down = behaviour.setdefault("scaleUp", {}), behaviour.setdefault("scaleDown", {})
        fill(up, {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": deepcopy(list(_SCALE_UP))})
        fill(down, {"selectPolicy": "Max", "policies": deepcopy(list(_SCALE_DOWN))})


def _role_binding(obj: Object) -> None:
    role = obj.get("roleRef")
    if role is not None:
        role["apiGroup"] = role.get("apiGroup") or _RBAC
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = subject.get("apiGroup") or _RBAC


def _network_policy(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if "egress" in spec else [])]
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            fill(port, {"protocol": "TCP"})


def _ingress_class(obj: Object) -> None:
    parameters = (obj.get("spec") or {}).get("parameters")
    if parameters is not None:
        fill(parameters, {"scope": "Cluster"})


def _endpoint_slice(obj: Object) -> None:
    for port in obj.get("ports") or ():
        fill(port, {"name": "", "protocol": "TCP"})


def _definition(obj: Object) -> None:
    spec = _spec(obj)
    names = spec.setdefault("names", {})
    if names.get("kind"):
        fill(names, {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List"})
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    _service_port((conversion.get("webhook") or {}).get("clientConfig"))


def _service_port(client: Any) -> None:
    service = (client or {}).get("service")
    if service is not None:
        fill(service, {"port": 443})


def _webhooks(obj: Object) -> None:
    for webhook in obj.get("webhooks") or ():
        fill(webhook, {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10})
        fill(webhook, {"namespaceSelector": {}, "objectSelector": {}})
        if obj["kind"].startswith("Mutating"):
            fill(webhook, {"reinvocationPolicy": "Never"})
        for rule in webhook.get("rules") or ():
            fill(rule, {"scope": "*"})
        _service_port(webhook.get("clientConfig"))


def _api_service(obj: Object) -> None:
    _service_port(obj.get("spec"))


def _priority_class(obj: Object) -> None:
    fill(obj, {"preemptionPolicy": "PreemptLowerPriority"})


def _storage_class(obj: Object) -> None:
    fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


_DEFAULTS: dict[tuple[str, str], Callable[[Object], None]] = {
    ("", "Endpoints"): _endpoints,
    ("", "Namespace"): _namespace,
    ("", "PersistentVolume"): _volume,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Pod"): _pod,
    ("", "PodTemplate"): _pod_template,
    ("", "ReplicationController"): _replication_controller,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("batch", "CronJob"): _cron_job,
    ("batch", "Job"): _job,
    ("discovery.k8s.io", "EndpointSlice"): _endpoint_slice,
    ("networking.k8s.io", "IngressClass"): _ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    (_RBAC, "ClusterRoleBinding"): _role_binding,
    (_RBAC, "RoleBinding"): _role_binding,
    ("scheduling.k8s.io", "PriorityClass"): _priority_class,
    ("storage.k8s.io", "StorageClass"): _storage_class,
}
