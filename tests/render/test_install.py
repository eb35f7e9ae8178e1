"""What an IstioOperator file becomes: as istioctl 1.31.0 renders it, and what is refused and why."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshctl.errors import UsageError
from meshctl.render import eastwest, istio_operator
from meshctl.render.install.installation import of, read
from meshctl.render.install.manifests import manifests
from meshctl.render.manifest import Manifest, to_yaml
from meshctl.validate import PRESETS, find_topology, with_istio

# Reduced `istioctl manifest generate -f FILE`, 1.31.0: {name: {istioOperator, objects: [{kind, ..., facts}]}}.
RECORDED: dict[str, Any] = json.loads(
    gzip.decompress((Path(__file__).parents[1] / "golden/install/istioctl-1.31.0.json.gz").read_bytes())
)
Object = dict[str, Any]
CASES = [(name, number) for name, case in RECORDED.items() for number in range(len(case["objects"]))]


def rendered(operator: Object, version: str = "1.31.0") -> dict[str, Manifest]:
    return {
        "/".join(filter(None, (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]))): one
        for one in manifests(of(operator, version))
    }


def operator(**spec: Any) -> Object:
    return {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec}


def reduced(one: Manifest) -> Object:
    """As the recordings are reduced."""
    spec = one.get("spec") or {}
    found: Object = {"labels": one["metadata"].get("labels")}
    match one["kind"]:
        case "ClusterRole" | "Role":
            found |= {"rules": len(one["rules"]), "ruleList": [_sorted(rule) for rule in one["rules"]]}
        case "ClusterRoleBinding" | "RoleBinding":
            subjects = [f"{s['kind']}/{s.get('namespace', '')}/{s['name']}" for s in one["subjects"]]
            found |= {"roleRef": one["roleRef"]["name"], "subjects": subjects}
        case "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration":
            found["webhooks"] = one["webhooks"]
        case "ConfigMap":
            found["keys"] = sorted(one["data"])
            if "mesh" in one["data"]:
                found |= {"mesh": yaml.safe_load(one["data"]["mesh"]), "meshNetworks": one["data"]["meshNetworks"]}
            if "values" in one["data"]:
                found["values.global"] = json.loads(one["data"]["values"])["global"]
            if "annotations" in one["metadata"]:
                found["annotations"] = sorted(one["metadata"]["annotations"])
        case "HorizontalPodAutoscaler":
            found |= {"target": spec["scaleTargetRef"]["name"], "min": spec["minReplicas"], "max": spec["maxReplicas"]}
        case "EndpointSlice":
            found |= {key: one[key] for key in ("addressType", "endpoints", "ports")}
        case "Service":
            found |= spec
        case "Deployment":
            found |= _deployment(spec)
    return {key: value for key, value in found.items() if value is not None}


def _sorted(rule: Object) -> Object:
    return {key: sorted(values) for key, values in rule.items()}


def _deployment(spec: Object) -> Object:
    meta, pod = spec["template"]["metadata"], spec["template"]["spec"]
    (container,) = pod["containers"]
    fields = {"name": container["name"], "image": container["image"].rpartition("/")[2].replace("1.31.0", "latest")}
    return {
        "selector": spec["selector"]["matchLabels"],
        "podLabels": meta["labels"],
        "podAnnotations": meta["annotations"],
        "serviceAccountName": pod["serviceAccountName"],
        "replicas": spec.get("replicas"),
        "containers": [
            {
                **fields,
                "args": container.get("args"),
                "env": {one["name"]: _value(one) for one in container["env"]},
                "ports": container["ports"],
            }
        ],
        "volumes": [_volume(one) for one in pod["volumes"]],
    }


def _value(variable: Object) -> Any:
    source = variable.get("valueFrom")
    if not source:
        return variable.get("value", "")
    # The charts write the API's version into some references only.
    return {kind: {k: v for k, v in inner.items() if k != "apiVersion"} for kind, inner in source.items()}


def _volume(volume: Object) -> Object:
    (kind,) = set(volume) - {"name"}
    return {volume["name"]: volume[kind].get("secretName") or volume[kind].get("name") or kind}


def expected(facts: Object) -> Object:
    found = dict(facts)
    if "ruleList" in found:
        found["ruleList"] = [_sorted(rule) for rule in found["ruleList"]]
    if "containers" in found:
        (container,) = found["containers"]
        env = {
            name: value if isinstance(value, str) else _value({"valueFrom": value})
            for name, value in container["env"].items()
        }
        found["containers"] = [{**container, "env": env}]
    return found


def within(wanted: Any, seen: Any) -> bool:
    """Whether `seen` has everything of `wanted`; what was left out of a recording is None there."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return all(within(value, seen.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(seen, list):
        return len(wanted) == len(seen) and all(map(within, wanted, seen))
    return wanted is None or wanted == seen


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_objects_are_rendered(name: str) -> None:
    wanted = {"/".join(filter(None, (one["kind"], one["namespace"], one["name"]))) for one in RECORDED[name]["objects"]}
    assert set(rendered(RECORDED[name]["istioOperator"])) == wanted


@pytest.mark.parametrize("name", RECORDED)
def test_they_say_what_istioctls_say(name: str) -> None:
    found = rendered(RECORDED[name]["istioOperator"])
    for one in RECORDED[name]["objects"]:
        title = "/".join(filter(None, (one["kind"], one["namespace"], one["name"])))
        facts, seen = expected(one["facts"]), reduced(found[title])
        for key, value in facts.items():
            assert within(value, seen.get(key)), f"{title}: {key}: {value!r} expected, {seen.get(key)!r} seen"
            if key in ("labels", "podLabels", "podAnnotations", "selector", "mesh", "volumes", "containers"):
                assert seen[key] == value, f"{title}: {key}"


def environment(one: Manifest) -> dict[str, Any]:
    (container,) = one["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value") for variable in container["env"]}


@pytest.mark.parametrize("version", ["1.11.2", "1.31.0"])
@pytest.mark.parametrize("preset", PRESETS)
def test_our_own_files_can_be_installed(preset: str, version: str) -> None:
    topology = with_istio(find_topology(preset=preset), version)
    for cluster in topology.clusters:
        for one in (istio_operator.control_plane(topology, cluster), eastwest.operator(topology, cluster)):
            assert manifests(read(to_yaml([one]), version))


def test_a_remote_of_today_has_gateways_and_no_istiod() -> None:
    topology = find_topology(preset="classroom")
    found = rendered(istio_operator.control_plane(topology, topology.cluster("cluster2")))
    deployments = {title.rpartition("/")[2] for title in found if title.startswith("Deployment/")}
    assert deployments == {"istio-ingressgateway", "istio-egressgateway"}
    (endpoint,) = found["EndpointSlice/istio-system/istiod"]["endpoints"]
    assert endpoint["addresses"] == ["192.168.229.100"]
    hooks = found["MutatingWebhookConfiguration/istio-sidecar-injector"]["webhooks"]
    assert {one["clientConfig"]["service"]["path"] for one in hooks} == {"/inject/cluster/cluster2/net/network2"}


def test_a_remote_of_the_course_injects_itself_and_takes_its_configuration_from_the_primary() -> None:
    topology = with_istio(find_topology(preset="classroom"), "1.11.2")
    found = rendered(istio_operator.control_plane(topology, topology.cluster("cluster2")), "1.11.2")
    assert environment(found["Deployment/istio-system/istiod"])["CLUSTER_ID"] == "cluster2"
    mesh = yaml.safe_load(found["ConfigMap/istio-system/istio"]["data"]["mesh"])
    assert mesh["defaultConfig"]["discoveryAddress"] == "istiod-remote.istio-system.svc:15012"
    assert "EndpointSlice/istio-system/istiod-remote" in found


def test_a_file_is_obeyed() -> None:
    found = rendered(
        operator(
            profile="demo",
            hub="registry.example/istio",
            meshConfig={"accessLogFile": "", "trustDomain": "mesh.example"},
            components={"egressGateways": [{"name": "istio-egressgateway", "enabled": False}]},
            values={"global": {"network": "net9", "multiCluster": {"clusterName": "east"}, "meshID": "m"}},
        )
    )
    ingress = found["Deployment/istio-system/istio-ingressgateway"]
    assert not any("egress" in title for title in found)
    assert environment(ingress)["ISTIO_META_NETWORK"] == "net9"
    assert environment(ingress)["ISTIO_META_CLUSTER_ID"] == "east"
    (container,) = ingress["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/istio/proxyv2:1.31.0"
    mesh = yaml.safe_load(found["ConfigMap/istio-system/istio"]["data"]["mesh"])
    assert (mesh["accessLogFile"], mesh["trustDomain"]) == ("", "mesh.example")


def test_gateways_are_added_to_those_of_the_profile() -> None:
    ports = [{"name": "tcp", "port": 9000, "targetPort": 9000}]
    own = {"name": "second", "enabled": True, "label": {"istio": "second"}, "k8s": {"service": {"ports": ports}}}
    found = rendered(operator(components={"ingressGateways": [own]}))
    assert {title for title in found if title.startswith("Service/") and "istiod" not in title} == {
        "Service/istio-system/istio-ingressgateway",
        "Service/istio-system/second",
    }
    assert found["Service/istio-system/second"]["spec"]["selector"]["istio"] == "second"


def test_everything_that_cannot_be_done_is_said_at_once() -> None:
    wrong = operator(
        revision="canary",
        components={"cni": {"enabled": True}, "ztunnel": {"enabled": False}},
        meshConfig={"acessLogFile": "/dev/stdout"},
        values={"global": {"netwrok": "x"}, "sidecarInjectorWebhook": {"rewriteAppHTTPProbe": False}},
    )
    with pytest.raises(UsageError) as refused:
        of(wrong, "1.31.0", "control-plane.yaml")
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "spec.revision",
        "spec.components.cni",
        "spec.meshConfig.acessLogFile",
        "spec.values.global.netwrok",
    ]
    assert all(line.startswith("control-plane.yaml: ") for line in lines)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kind: Deployment", "expected one document of kind IstioOperator"),
        ("a: [", "not YAML"),
        ("kind: IstioOperator\nspec: {profile: ambient}", "spec.profile: ambient"),
        ("kind: IstioOperator\nspec: {components: {ingressGateways: {name: x}}}", "expected a list"),
        ("kind: IstioOperator\nspec: {components: {ingressGateways: [{enabled: true}]}}", "expected a name"),
        ("kind: IstioOperator\nspec: {values: {global: {istioNamespace: other}}}", "into istio-system only"),
    ],
)
def test_what_is_no_usable_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(text, "1.31.0")
