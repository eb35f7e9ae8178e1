"""The strategy of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.strategy.definitions import DEFINITIONS
from meshctl.sandbox.apiserver.strategy.jobs import JOBS
from meshctl.sandbox.apiserver.strategy.namespaces import NAMESPACES
from meshctl.sandbox.apiserver.strategy.nodes import NODES
from meshctl.sandbox.apiserver.strategy.pods import PODS
from meshctl.sandbox.apiserver.strategy.services import SERVICES
from meshctl.sandbox.apiserver.strategy.strategy import Strategy, empty_status

PLAIN = Strategy()
COUNTED = Strategy(generation=True)
WITH_STATUS = Strategy(generation=True, status=empty_status, status_keeps_metadata=True)
CUSTOM = Strategy(generation=True, unconditional_update=False, status_keeps_metadata=True)
RETURNED = Strategy(returns_object=True)
CREATED_BY_UPDATE = Strategy(create_on_update=True)
LOAD_BALANCED = Strategy(generation=True, status=lambda: {"loadBalancer": {}}, status_keeps_metadata=True)
CLAIMED = Strategy(status=lambda: {"phase": "Pending"}, returns_object=True)

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "namespaces": NAMESPACES,
        "nodes": NODES,
        "pods": PODS,
        "services": SERVICES,
        "endpoints": CREATED_BY_UPDATE,
        "events": CREATED_BY_UPDATE,
        "limitranges": CREATED_BY_UPDATE,
        "serviceaccounts": RETURNED,
        "podtemplates": Strategy(generation=True, returns_object=True),
        "replicationcontrollers": Strategy(
            generation=True, status=lambda: {"replicas": 0}, status_keeps_metadata=True, returns_object=True
        ),
        "resourcequotas": Strategy(status=empty_status, returns_object=True),
        "persistentvolumes": CLAIMED,
        "persistentvolumeclaims": CLAIMED,
        "deployments.apps": Strategy(
            generation=True, generation_by_annotations=True, status=empty_status, status_keeps_metadata=True
        ),
        "replicasets.apps": Strategy(generation=True, status=lambda: {"replicas": 0}, status_keeps_metadata=True),
        "statefulsets.apps": Strategy(
            generation=True,
            status=lambda: {"replicas": 0, "availableReplicas": 0},
            status_keeps_metadata=True,
        ),
        "daemonsets.apps": Strategy(
            generation=True,
            status=lambda: {
                "currentNumberScheduled": 0,
                "numberMisscheduled": 0,
                "desiredNumberScheduled": 0,
                "numberReady": 0,
            },
            status_keeps_metadata=True,
        ),
        "jobs.batch": JOBS,
        "cronjobs.batch": WITH_STATUS,
        "horizontalpodautoscalers.autoscaling": Strategy(
            status=lambda: {"desiredReplicas": 0, "currentMetrics": None}, unconditional_update=True
        ),
        "certificatesigningrequests.certificates.k8s.io": Strategy(status=empty_status),
        "ingresses.networking.k8s.io": LOAD_BALANCED,
        "ingressclasses.networking.k8s.io": COUNTED,
        "networkpolicies.networking.k8s.io": COUNTED,
        "poddisruptionbudgets.policy": Strategy(
            generation=True,
            status=lambda: {
                "disruptionsAllowed": 0,
                "currentHealthy": 0,
                "desiredHealthy": 0,
                "expectedPods": 0,
            },
        ),
        "endpointslices.discovery.k8s.io": COUNTED,
        "leases.coordination.k8s.io": Strategy(create_on_update=True, unconditional_update=False),
        "roles.rbac.authorization.k8s.io": CREATED_BY_UPDATE,
        "rolebindings.rbac.authorization.k8s.io": CREATED_BY_UPDATE,
        "clusterroles.rbac.authorization.k8s.io": CREATED_BY_UPDATE,
        "clusterrolebindings.rbac.authorization.k8s.io": CREATED_BY_UPDATE,
        "storageclasses.storage.k8s.io": RETURNED,
        "csidrivers.storage.k8s.io": RETURNED,
        "csinodes.storage.k8s.io": RETURNED,
        "volumeattachments.storage.k8s.io": Strategy(status=lambda: {"attached": False}, returns_object=True),
        "mutatingwebhookconfigurations.admissionregistration.k8s.io": COUNTED,
        "validatingwebhookconfigurations.admissionregistration.k8s.io": COUNTED,
        "validatingadmissionpolicies.admissionregistration.k8s.io": WITH_STATUS,
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": COUNTED,
        "customresourcedefinitions.apiextensions.k8s.io": DEFINITIONS,
        "priorityclasses.scheduling.k8s.io": COUNTED,
        "flowschemas.flowcontrol.apiserver.k8s.io": WITH_STATUS,
        "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": WITH_STATUS,
    }
)


def strategy_of(resource: Resource) -> Strategy:
    """How objects of this resource behave."""
    return CUSTOM if resource.custom else STRATEGIES.get(resource.storage, PLAIN)
