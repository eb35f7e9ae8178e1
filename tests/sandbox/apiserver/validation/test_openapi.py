"""The OpenAPI documents hold together, and kubectl reads them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation import istio_crds, openapi
from tests.sandbox.apiserver.validation.recorded import golden

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Part:
    name: str


@dataclass(frozen=True)
class Kind:
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    definition: dict[str, Any] | None = None
    verbs: tuple[str, ...] = VERBS
    subresources: tuple[Part, ...] = (Part("status"), Part("scale"))


def custom(crd: dict[str, Any]) -> Kind:
    spec = crd["spec"]
    version = spec["versions"][0]
    return Kind(spec["group"], version["name"], spec["names"]["plural"], spec["names"]["kind"], definition=version)


SERVED = [
    Kind("", "v1", "pods", "Pod"),
    Kind("", "v1", "nodes", "Node", namespaced=False),
    Kind("apps", "v1", "deployments", "Deployment"),
    custom(golden("invalid")["crd"]),
    *(custom(crd) for crd in istio_crds()),
]
GROUPS = {(kind.group, kind.version) for kind in SERVED}


def references(document: Any, prefix: str) -> set[str]:
    return {found.removeprefix(prefix) for found in re.findall(rf'"({prefix}[^"]+)"', json.dumps(document))}


def test_v2_defines_what_it_refers_to() -> None:
    document = openapi.v2(SERVED)
    assert references(document, "#/definitions/") <= document["definitions"].keys()
    wagon = document["definitions"]["org.example.train.v1.Wagon"]
    assert wagon["x-kubernetes-group-version-kind"] == [
        {"group": "train.example.org", "kind": "Wagon", "version": "v1"}
    ]
    assert "type" not in wagon["properties"]["status"]


def test_v2_tells_how_lists_are_merged() -> None:
    spec = openapi.v2([])["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"]
    assert spec["containers"]["x-kubernetes-patch-merge-key"] == "name"
    assert spec["volumes"]["x-kubernetes-patch-strategy"] == "merge,retainKeys"
    ports = openapi.v2([])["definitions"]["io.k8s.api.core.v1.ServiceSpec"]["properties"]["ports"]
    assert ports["x-kubernetes-list-map-keys"] == ["port", "protocol"]


def test_v2_offers_dry_run_for_every_patch() -> None:
    """kubectl looks for it before it sends `--dry-run=server`."""
    patches = [item["patch"] for item in openapi.v2(SERVED)["paths"].values() if "patch" in item]
    assert patches
    assert all("dryRun" in [each["name"] for each in patch["parameters"]] for patch in patches)


@pytest.mark.parametrize(("group", "version"), sorted(GROUPS))
def test_v3_defines_what_it_refers_to(group: str, version: str) -> None:
    document = openapi.v3(group, version, SERVED)
    schemas = document["components"]["schemas"]
    assert references(document, "#/components/schemas/") <= schemas.keys()
    assert not references(document, "#/definitions/")


def test_v3_patches_built_in_kinds_strategically_and_custom_ones_not() -> None:
    strategic = "application/strategic-merge-patch+json"

    def patches(group: str, version: str, path: str) -> set[str]:
        content = openapi.v3(group, version, SERVED)["paths"][path]["patch"]["requestBody"]["content"]
        return set(content)

    assert strategic in patches("apps", "v1", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    wagons = "/apis/train.example.org/v1/namespaces/{namespace}/wagons/{name}"
    assert strategic not in patches("train.example.org", "v1", wagons)


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protobuf message."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        size, at = varint(message, at)
        if key & 7 == 2:
            yield key >> 3, message[at : at + size]
            at += size


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
        if message[at - 1] < 0x80:
            return value, at


def test_protobuf_holds_the_same_document() -> None:
    document = openapi.v2(SERVED)
    parts = dict(fields(openapi.v2_protobuf(document)))
    assert parts[1] == b"2.0"
    definitions = [dict(fields(named))[1].decode() for _, named in fields(parts[9])]
    assert definitions == list(document["definitions"])
    paths = [dict(fields(named))[1].decode() for _, named in fields(parts[8])]
    assert paths == list(document["paths"])


class Answers(BaseHTTPRequestHandler):
    """Discovery and documents of an API server, nothing else."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/").split("/")
        body, media = json.dumps(self.answer(path)).encode(), "application/json"
        if path == ["openapi", "v2"]:
            body, media = (
                openapi.v2_protobuf(openapi.v2(SERVED)),
                "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            )
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, path: list[str]) -> Any:
        match path:
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"]}
            case ["apis"]:
                groups = [(f"{group}/{version}", group, version) for group, version in sorted(GROUPS) if group]
                named = [{"name": g, "versions": [{"groupVersion": both, "version": v}]} for both, g, v in groups]
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
            case ["openapi", "v3"]:
                paths = [f"apis/{group}/{version}" if group else f"api/{version}" for group, version in GROUPS]
                return {"paths": {each: {"serverRelativeURL": f"/openapi/v3/{each}"} for each in paths}}
            case ["openapi", "v3", *rest]:
                return openapi.v3(rest[1] if len(rest) > 2 else "", rest[-1], SERVED)
        here = (path[1] if len(path) > 2 else "", path[-1])
        kinds = [kind for kind in SERVED if (kind.group, kind.version) == here]
        resources = [{"name": k.plural, "singularName": k.kind.lower(), "kind": k.kind, "verbs": VERBS} for k in kinds]
        return {"kind": "APIResourceList", "groupVersion": "/".join(filter(None, here)), "resources": resources}

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_kubectl_explains_from_it(address: str, tmp_path: Path) -> None:
    def explained(path: str) -> str:
        command = ["kubectl", "--server", address, "explain", path]
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/local/bin", "KUBECONFIG": "/dev/null"}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60).stdout

    assert "NodeName indicates in which node this pod is scheduled." in explained("pod.spec.nodeName")
    assert re.search(r"class\s+<string> -required-", explained("wagon.spec"))
    simple = explained("destinationrule.spec.trafficPolicy.loadBalancer.simple")
    assert "Valid Options: LEAST_CONN, RANDOM, PASSTHROUGH, ROUND_ROBIN, LEAST_REQUEST" in simple
