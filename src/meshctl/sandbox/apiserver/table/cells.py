"""The function that fills a kind's row, by storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from meshctl.sandbox.apiserver.table import cluster, configuration, networking, pods, workloads

Cells = Callable[[Mapping[str, Any]], list[Any]]

ADMISSION = "admissionregistration.k8s.io"
RBAC = "rbac.authorization.k8s.io"

CELLS: Mapping[str, Cells] = MappingProxyType(
    {
        "pods": pods.pod,
        "podtemplates": workloads.pod_template,
        "replicationcontrollers": workloads.replica_set,
        "replicasets.apps": workloads.replica_set,
        "deployments.apps": workloads.deployment,
        "daemonsets.apps": workloads.daemon_set,
        "statefulsets.apps": workloads.stateful_set,
        "controllerrevisions.apps": workloads.controller_revision,
        "jobs.batch": workloads.job,
        "cronjobs.batch": workloads.cron_job,
        "horizontalpodautoscalers.autoscaling": workloads.autoscaler,
        "poddisruptionbudgets.policy": workloads.disruption_budget,
        "services": networking.service,
        "endpoints": networking.endpoints,
        "endpointslices.discovery.k8s.io": networking.endpoint_slice,
        "ingresses.networking.k8s.io": networking.ingress,
        "ingressclasses.networking.k8s.io": networking.ingress_class,
        "networkpolicies.networking.k8s.io": networking.network_policy,
        "ipaddresses.networking.k8s.io": networking.ip_address,
        "servicecidrs.networking.k8s.io": networking.service_cidr,
        "configmaps": configuration.config_map,
        "secrets": configuration.secret,
        "serviceaccounts": configuration.named,
        "resourcequotas": configuration.resource_quota,
        f"rolebindings.{RBAC}": configuration.role_binding,
        f"clusterrolebindings.{RBAC}": configuration.role_binding,
        f"mutatingwebhookconfigurations.{ADMISSION}": configuration.webhooks,
        f"validatingwebhookconfigurations.{ADMISSION}": configuration.webhooks,
        f"validatingadmissionpolicies.{ADMISSION}": configuration.admission_policy,
        f"validatingadmissionpolicybindings.{ADMISSION}": configuration.admission_binding,
        "nodes": cluster.node,
        "namespaces": cluster.namespace,
        "events": cluster.event,
        "componentstatuses": cluster.component,
        "leases.coordination.k8s.io": cluster.lease,
        "persistentvolumes": cluster.volume,
        "persistentvolumeclaims": cluster.claim,
        "storageclasses.storage.k8s.io": cluster.storage_class,
        "volumeattachments.storage.k8s.io": cluster.attachment,
        "csinodes.storage.k8s.io": cluster.csi_node,
        "priorityclasses.scheduling.k8s.io": cluster.priority_class,
        "runtimeclasses.node.k8s.io": cluster.runtime_class,
        "certificatesigningrequests.certificates.k8s.io": cluster.signing_request,
        "flowschemas.flowcontrol.apiserver.k8s.io": cluster.flow_schema,
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": cluster.priority_level,
    }
)
