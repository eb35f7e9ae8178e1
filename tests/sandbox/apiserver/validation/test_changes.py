"""What may not change of built-in objects, in the words that kubectl showed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation import default, validate, warnings

META = {"name": "web", "namespace": "shop", "uid": "1"}
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}], "clusterIP": "10.96.0.9"}}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE},
}
POD = {"apiVersion": "v1", "kind": "Pod", "spec": TEMPLATE["spec"]}
FIXED = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}, "immutable": True}
SECRET = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}
BINDING = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": ROLE}


def changed(obj: dict[str, Any], path: str, value: Any) -> list[str]:
    old = default({**deepcopy(obj), "metadata": dict(META)})
    new = deepcopy(old)
    owner: Any = new
    *parts, last = path.split(".")
    for part in parts:
        owner = owner[int(part)] if part.isdigit() else owner[part]
    owner[last] = value
    return [str(cause) for cause in validate(new, old)]


@pytest.mark.parametrize(
    ("obj", "path", "value", "expected"),
    [
        (
            SERVICE,
            "spec.clusterIP",
            "1.1.1.1",
            ['spec.clusterIPs[0]: Invalid value: ["1.1.1.1"]: may not change once set'],
        ),
        (SERVICE, "spec.type", "NodePort", []),
        (FIXED, "data", {"k": "w"}, ["data: Forbidden: field is immutable when `immutable` is set"]),
        (FIXED, "immutable", False, ["immutable: Forbidden: field is immutable when `immutable` is set"]),
        (SECRET, "type", "other", ['type: Invalid value: "other": field is immutable']),
        (FIXED, "metadata.uid", "2", ['metadata.uid: Invalid value: "2": field is immutable']),
        (POD, "spec.containers.0.image", "web:2", []),
        (POD, "spec.tolerations", [{"key": "a", "operator": "Exists"}], []),
        (DEPLOYMENT, "spec.replicas", 5, []),
        (BINDING, "roleRef", {**ROLE, "name": "b"}, None),
    ],
)
def test_change(obj: dict[str, Any], path: str, value: Any, expected: list[str] | None) -> None:
    found = changed(obj, path, value)
    if expected is None:
        assert found[0].endswith("cannot change roleRef")
    else:
        assert found == expected


def test_a_selector_is_judged_against_the_template_and_its_former_self() -> None:
    found = changed(DEPLOYMENT, "spec.selector", {"matchLabels": {"app": "web", "x": "y"}})
    assert found == [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable',
    ]


def test_a_refused_change_of_a_pod_shows_the_lines_that_differ() -> None:
    """A service account stands there already: admission gave it."""
    served = {**POD, "spec": {**TEMPLATE["spec"], "serviceAccountName": "default"}}  # type: ignore[dict-item]
    text = changed(served, "spec.nodeName", "n9")[0]
    assert text.startswith("spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,")
    assert text.partition("\n")[2] == (
        "@@ -42,7 +42,7 @@\n"
        '  "NodeSelector": null,\n'
        '  "ServiceAccountName": "default",\n'
        '  "AutomountServiceAccountToken": null,\n'
        '- "NodeName": "",\n'
        '+ "NodeName": "n9",\n'
        '  "SecurityContext": {\n'
        '   "HostNetwork": false,\n'
        '   "HostPID": false,\n'
    )


def test_the_number_of_containers_is_fixed() -> None:
    two = [*TEMPLATE["spec"]["containers"], {"name": "b", "image": "b"}]  # type: ignore[index]
    assert changed(POD, "spec.containers", two) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


def test_warnings_tell_what_is_likely_a_mistake() -> None:
    port = {"containerPort": 80, "protocol": "TCP"}
    resources = {"limits": {"memory": "100m"}}
    container = {"env": [{"name": "A"}, {"name": "A"}], "ports": [port, port], "resources": resources}
    pod = {"kind": "Pod", "metadata": {"name": "a.b"}, "spec": {"containers": [container]}}
    assert warnings(pod) == [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
        "a DNS label is recommended: [must not contain dots]",
        'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
        "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
    ]
