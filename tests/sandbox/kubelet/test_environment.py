from collections.abc import Mapping
from typing import Any

import pytest

from meshctl.sandbox.kubelet import environment
from meshctl.sandbox.kubelet.environment import MissingConfig

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "x"}},
    "spec": {"nodeName": "n1"},
    "status": {"podIP": "172.20.1.2", "hostIP": "10.0.0.1"},
}
OBJECTS = {
    ("configmaps", "ns", "cm"): {"data": {"a": "1"}},
    ("secrets", "ns", "s"): {"data": {"key": "dmFsdWU="}},
}
SERVICES = [
    {
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443}]},
    },
    {
        "metadata": {"name": "my-db", "namespace": "ns"},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 5432, "protocol": "TCP"}]},
    },
    {
        "metadata": {"name": "other", "namespace": "elsewhere"},
        "spec": {"clusterIP": "10.96.0.8", "ports": [{"port": 1}]},
    },
]


def lookup(kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
    return OBJECTS.get((kind, namespace, name))


def variables(container: dict[str, Any]) -> dict[str, str]:
    return environment.variables(POD, container, lookup, SERVICES, {"cpu": "2", "memory": "1Gi"})


def test_values_come_from_fields_objects_resources_and_earlier_variables() -> None:
    container = {
        "resources": {"limits": {"memory": "64Mi"}},
        "envFrom": [{"prefix": "CM_", "configMapRef": {"name": "cm"}}],
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
            {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": True}}},
            {"name": "MIB", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "URL", "value": "http://$(IP):$(LATER)"},
        ],
    }
    found = variables(container)
    own = {key: found[key] for key in found if "KUBERNETES" not in key and "MY_DB" not in key}
    assert own == {
        "CM_a": "1",
        "IP": "172.20.1.2",
        "APP": "x",
        "KEY": "value",
        "MIB": "64",
        "CPUS": "2",
        "URL": "http://172.20.1.2:$(LATER)",
    }


def test_services_of_the_namespace_and_the_api_server_are_variables() -> None:
    assert variables({}) == {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        "KUBERNETES_PORT": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
        "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
        "KUBERNETES_PORT_443_TCP_PORT": "443",
        "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
        "MY_DB_SERVICE_HOST": "10.96.0.9",
        "MY_DB_SERVICE_PORT": "5432",
        "MY_DB_PORT": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP": "tcp://10.96.0.9:5432",
        "MY_DB_PORT_5432_TCP_PROTO": "tcp",
        "MY_DB_PORT_5432_TCP_PORT": "5432",
        "MY_DB_PORT_5432_TCP_ADDR": "10.96.0.9",
    }


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
        ({"configMapKeyRef": {"name": "cm", "key": "k"}}, "couldn't find key k in ConfigMap ns/cm"),
    ],
)
def test_what_is_missing_is_named_as_the_kubelet_names_it(reference: dict[str, Any], message: str) -> None:
    with pytest.raises(MissingConfig) as caught:
        variables({"env": [{"name": "X", "valueFrom": reference}]})
    assert str(caught.value) == message
