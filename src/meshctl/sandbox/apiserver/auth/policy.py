"""The roles and bindings that every cluster begins with: kube-apiserver 1.36, rbac/bootstrappolicy."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

GROUP = "rbac.authorization.k8s.io"
READ = "get list watch"
WRITE = "create delete deletecollection patch update"
ALL = "create delete deletecollection get list patch update watch"
PUBLIC_URLS = "/healthz /livez /readyz /version /version/"
DISCOVERY_URLS = "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"
ISSUER_URLS = "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/"
MONITORING_URLS = "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*"
WORKLOADS = (
    "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets"
    " statefulsets/scale"
)
OLD_WORKLOADS = (
    "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets"
    " replicasets/scale replicationcontrollers/scale"
)
VIEWED_WORKLOADS = (
    "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status"
    " replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status"
)
VIEWED_CORE = (
    "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers"
    " replicationcontrollers/scale serviceaccounts services services/status"
)
VIEWED_DETAILS = (
    "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status"
    " resourcequotas resourcequotas/status"
)
STREAMS = "pods/attach pods/exec pods/portforward pods/proxy"
AGGREGATE = f"{GROUP}/aggregate-to-"


def _rule(groups: str, resources: str, verbs: str, names: str = "") -> Object:
    rule: Object = {"verbs": verbs.split(), "apiGroups": groups.split(",")}
    rule["resources"] = resources.split()
    return rule | ({"resourceNames": names.split()} if names else {})


def _urls(urls: str, verbs: str = "get") -> Object:
    return {"verbs": verbs.split(), "nonResourceURLs": urls.split()}


def _metadata(name: str, **labels: str) -> Object:
    marks = {"kubernetes.io/bootstrapping": "rbac-defaults"} | labels
    annotations = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    return {"name": name, "labels": marks, "annotations": annotations}


def _role(name: str, *rules: Object, to: str = "") -> Object:
    labels = {AGGREGATE + to: "true"} if to else {}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(name, **labels),
        "rules": [*rules],
    }


def _aggregate(name: str, to: str = "") -> Object:
    selectors = [{"matchLabels": {AGGREGATE + name: "true"}}]
    return _role(name, to=to) | {"aggregationRule": {"clusterRoleSelectors": selectors}, "rules": None}


def _own(name: str, kind: str) -> Object:
    """The binding of a component's role to the component."""
    return _binding(f"system:{name}", f"system:{name}", (kind, f"system:{name}"))


def _binding(name: str, role: str, *subjects: tuple[str, str]) -> Object:
    reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}
    named = [{"kind": kind, "apiGroup": GROUP, "name": subject} for kind, subject in subjects]
    binding: Object = {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRoleBinding", "metadata": _metadata(name)}
    return binding | {"subjects": named, "roleRef": reference}


AUTHENTICATED, UNAUTHENTICATED = ("Group", "system:authenticated"), ("Group", "system:unauthenticated")


def cluster_roles() -> list[Object]:
    """The default ClusterRoles."""
    return [
        _role("cluster-admin", _rule("*", "*", "*"), _urls("*", "*")),
        _role("system:discovery", _urls(DISCOVERY_URLS)),
        _role("system:public-info-viewer", _urls(PUBLIC_URLS)),
        _role("system:monitoring", _urls(MONITORING_URLS)),
        _role("system:service-account-issuer-discovery", _urls(ISSUER_URLS)),
        _role(
            "system:basic-user",
            _rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
            _rule("authentication.k8s.io", "selfsubjectreviews", "create"),
        ),
        _role(
            "system:auth-delegator",
            _rule("authentication.k8s.io", "tokenreviews", "create"),
            _rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        ),
        _aggregate("admin"),
        _aggregate("edit", to="admin"),
        _aggregate("view", to="edit"),
        _role(
            "system:aggregate-to-admin",
            _rule("authorization.k8s.io", "localsubjectaccessreviews", "create"),
            _rule(GROUP, "rolebindings roles", ALL),
            to="admin",
        ),
        _role("system:aggregate-to-edit", *_edit_rules(), to="edit"),
        _role("system:aggregate-to-view", *_view_rules(), to="view"),
        _role("system:kube-dns", _rule("", "endpoints services", "list watch")),
        _role("system:node", *_node_rules()),
        _role("system:node-proxier", *_proxy_rules()),
        _role("system:kube-scheduler", *_scheduler_rules()),
        _role("system:kube-controller-manager", *_controller_rules()),
    ]


def _edit_rules() -> list[Object]:
    return [
        _rule("", f"{STREAMS} secrets services/proxy", READ),
        _rule("", "serviceaccounts", "impersonate"),
        _rule("", f"pods {STREAMS}", WRITE),
        _rule("", "pods/eviction", "create"),
        _rule(
            "",
            "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale"
            " secrets serviceaccounts services services/proxy",
            WRITE,
        ),
        _rule("", "serviceaccounts/token", "create"),
        _rule("apps", WORKLOADS, WRITE),
        _rule("autoscaling", "horizontalpodautoscalers", WRITE),
        _rule("batch", "cronjobs jobs", WRITE),
        _rule("extensions", OLD_WORKLOADS, WRITE),
        _rule("policy", "poddisruptionbudgets", WRITE),
        _rule("networking.k8s.io", "ingresses networkpolicies", WRITE),
        _rule("coordination.k8s.io", "leases", ALL),
    ]


def _view_rules() -> list[Object]:
    return [
        _rule("", VIEWED_CORE, READ),
        _rule("", VIEWED_DETAILS, READ),
        _rule("", "namespaces", READ),
        _rule("discovery.k8s.io", "endpointslices", READ),
        _rule("apps", VIEWED_WORKLOADS, READ),
        _rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
        _rule("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
        _rule("extensions", f"{OLD_WORKLOADS} daemonsets/status deployments/status ingresses/status", READ),
        _rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
        _rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
    ]


def _node_rules() -> list[Object]:
    return [
        _rule("authentication.k8s.io", "tokenreviews", "create"),
        _rule("authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews", "create"),
        _rule("", "services", READ),
        _rule("", "nodes", "create get list watch"),
        _rule("", "nodes/status", "patch update"),
        _rule("", "nodes", "patch update"),
        _rule("", "events", "create patch update"),
        _rule("", "pods", READ),
        _rule("", "pods", "create delete"),
        _rule("", "pods/status", "patch update"),
        _rule("", "pods/eviction", "create"),
        _rule("", "configmaps secrets", READ),
        _rule("", "persistentvolumeclaims persistentvolumes", "get"),
        _rule("", "endpoints", "get"),
        _rule("certificates.k8s.io", "certificatesigningrequests", "create get list watch"),
        _rule("coordination.k8s.io", "leases", "create delete get patch update"),
        _rule("", "serviceaccounts/token", "create"),
        _rule("", "serviceaccounts", "get"),
    ]


def _proxy_rules() -> list[Object]:
    return [
        _rule("", "endpoints services", "list watch"),
        _rule("", "nodes", READ),
        _rule(",events.k8s.io", "events", "create patch update"),
        _rule("discovery.k8s.io", "endpointslices", "list watch"),
    ]


def _scheduler_rules() -> list[Object]:
    return [
        _rule(",events.k8s.io", "events", "create patch update"),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get update", "kube-scheduler"),
        _rule("", "nodes", READ),
        _rule("", "pods", "delete get list watch"),
        _rule("", "bindings pods/binding", "create"),
        _rule("", "pods/status", "patch update"),
        _rule("", "replicationcontrollers services", READ),
        _rule("apps,extensions", "replicasets", READ),
        _rule("apps", "statefulsets", READ),
        _rule("policy", "poddisruptionbudgets", READ),
        _rule("", "persistentvolumeclaims persistentvolumes", READ),
        _rule("authentication.k8s.io", "tokenreviews", "create"),
        _rule("authorization.k8s.io", "subjectaccessreviews", "create"),
    ]


def _controller_rules() -> list[Object]:
    return [
        _rule(",events.k8s.io", "events", "create patch update"),
        _rule("coordination.k8s.io", "leases", "create"),
        _rule("coordination.k8s.io", "leases", "get update", "kube-controller-manager"),
        _rule("", "secrets serviceaccounts", "create update"),
        _rule("", "secrets", "delete"),
        _rule("", "configmaps namespaces secrets serviceaccounts", "get"),
        _rule("authentication.k8s.io", "tokenreviews", "create"),
        _rule("authorization.k8s.io", "subjectaccessreviews", "create"),
        _rule("*", "*", "list watch"),
        _rule("", "serviceaccounts/token", "create"),
    ]


def cluster_role_bindings() -> list[Object]:
    """The default ClusterRoleBindings."""
    return [
        _binding("cluster-admin", "cluster-admin", ("Group", "system:masters")),
        _own("monitoring", "Group"),
        _binding("system:discovery", "system:discovery", AUTHENTICATED),
        _binding("system:basic-user", "system:basic-user", AUTHENTICATED),
        _binding("system:public-info-viewer", "system:public-info-viewer", AUTHENTICATED, UNAUTHENTICATED),
        _binding("system:node-proxier", "system:node-proxier", ("User", "system:kube-proxy")),
        _binding(
            "system:kube-controller-manager",
            "system:kube-controller-manager",
            ("User", "system:kube-controller-manager"),
        ),
        _binding("system:kube-scheduler", "system:kube-scheduler", ("User", "system:kube-scheduler")),
        _binding(
            "system:service-account-issuer-discovery",
            "system:service-account-issuer-discovery",
            ("Group", "system:serviceaccounts"),
        ),
    ]
