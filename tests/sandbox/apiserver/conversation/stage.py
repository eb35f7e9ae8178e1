"""A server for conversations: its users, what they find there, and how it is tidied up."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3

from tests.sandbox.apiserver.process import Client, Server

READER_RULES = [
    {
        "apiGroups": ["", "apps", "discovery.k8s.io"],
        "resources": [
            *("configmaps", "deployments", "deployments/scale", "endpoints", "endpointslices", "events"),
            *("namespaces", "pods", "pods/log", "replicasets", "serviceaccounts", "services"),
        ],
        "verbs": ["get", "list", "watch"],
    }
]
RBAC = "rbac.authorization.k8s.io"
PLURALS = {
    "Endpoints": "endpoints",
    "NetworkPolicy": "networkpolicies",
    "Ingress": "ingresses",
    "ServiceEntry": "serviceentries",
}
NAMESPACED = (
    *("apps/v1/deployments", "apps/v1/replicasets", "apps/v1/statefulsets", "apps/v1/daemonsets"),
    *("v1/pods", "v1/services", "v1/endpoints", "discovery.k8s.io/v1/endpointslices", "v1/configmaps", "v1/secrets"),
    *("v1/serviceaccounts", "v1/events", f"{RBAC}/v1/roles", f"{RBAC}/v1/rolebindings"),
    *("coordination.k8s.io/v1/leases", "networking.k8s.io/v1/networkpolicies", "train.example.org/v1/wagons"),
    "autoscaling/v2/horizontalpodautoscalers",
    *(f"networking.istio.io/v1/{plural}" for plural in ("destinationrules", "virtualservices", "gateways")),
)

USERS = ("admin", "reader", "nobody", "cert", "wrong", "anonymous")
AGENT = {"User-Agent": "conversation"}

Object = dict[str, Any]


class Stage:
    """One server with the users of the recordings, and a working directory; `controlled` if controllers run, too."""

    def __init__(self, server: Server, directory: Path, controlled: bool = False) -> None:
        self.server = server
        self.controlled = controlled
        self.directory = directory
        self.work = directory / "work"
        self.home = directory / "home"
        self.home.mkdir(parents=True)
        self._certificate = server.authority.issue("carol", "teachers")
        self.admin = self.client("admin")
        self.kubeconfigs = {name: self._kubeconfig(name) for name in USERS}
        self._admit_readers()

    def _kubeconfig(self, name: str) -> Path:
        certificate, key = self._certificate
        entries: dict[str, dict[str, object]] = {
            "cert": {"client-certificate": str(certificate), "client-key": str(key)},
            "wrong": {"token": "not-a-valid-token"},
            "anonymous": {},
        }
        entry = entries.get(name, {"token": f"{name}-token"})
        return self.server.kubeconfig(self.directory / f"kubeconfig-{name}", entry)

    def client(self, user: str) -> Client:
        """Requests as one of the users, or as nobody at all."""
        if user == "cert":
            return Client(self.server, self.server.pool(self._certificate), AGENT)
        tokens = {"wrong": "not-a-valid-token"} | {name: f"{name}-token" for name in ("admin", "reader", "nobody")}
        headers = {"Authorization": f"Bearer {tokens[user]}"} if user in tokens else {}
        return Client(self.server, self.server.pool(), headers | AGENT)

    def _admit_readers(self) -> None:
        path, version = f"/apis/{RBAC}/v1", f"{RBAC}/v1"
        role = {"metadata": {"name": "conversation-reader"}, "rules": READER_RULES}
        self.admin.create(f"{path}/clusterroles", {"apiVersion": version, "kind": "ClusterRole", **role})
        binding = {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "conversation-readers"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "conversation-reader"},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "readers"}],
        }
        self.admin.create(f"{path}/clusterrolebindings", binding)

    def set(self, case: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Prepare what a case needs: its namespaces and its files."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        for name, content in files.items():
            (self.work / name).write_bytes(content)
        self.clean(case)
        for name in case["made"]:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self.admin.create("/api/v1/namespaces", namespace)
            if self.controlled:
                self._await(f"/api/v1/namespaces/{name}/configmaps/kube-root-ca.crt")

    def _await(self, path: str) -> None:
        """The recordings begin some time after their namespaces, and find what controllers put there."""
        deadline = time.monotonic() + 30
        while self.admin.call("GET", path)[0] != 200:
            assert time.monotonic() < deadline, path
            time.sleep(0.02)

    def clean(self, case: Mapping[str, Any]) -> None:
        """Remove what a case has left."""
        for name in case["namespaces"]:
            self._empty(name)
        for path in case["cleanup"]:
            self._wipe(path)
        if any("customresourcedefinitions" in path for path in case["cleanup"]):
            # kubectl remembers what is served.
            shutil.rmtree(self.home / ".kube", ignore_errors=True)

    def _empty(self, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}"
        if self.admin.call("GET", path)[0] == 404:
            return
        for resource in NAMESPACED:
            version, _, plural = resource.rpartition("/")
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            self._wipe(f"{root}/namespaces/{namespace}/{plural}")
        self.admin.call("DELETE", path)
        finalized = {"metadata": {"name": namespace}, "spec": {"finalizers": []}}
        self.admin.call("PUT", f"{path}/finalize", finalized)

    def _wipe(self, path: str) -> None:
        """Delete one object or all of a collection, whatever holds them."""
        for _ in range(100):
            found = self.admin.raw("GET", path)
            if found.status != 200:
                return
            body = json.loads(found.data)
            items = body.get("items", [body])
            if not items:
                return
            for item in items:
                place = f"{path}/{item['metadata']['name']}" if "items" in body else path
                if item["metadata"].get("finalizers") and "customresourcedefinitions" not in path:
                    change = {"metadata": {"finalizers": None}}
                    self.admin.call("PATCH", place, change, "application/merge-patch+json")
                self.admin.call("DELETE", f"{place}?gracePeriodSeconds=0")
            time.sleep(0.02)

    def create(self, obj: Object) -> urllib3.BaseHTTPResponse:
        """Create an object and give it its status."""
        status = obj.get("status")
        plain = {key: value for key, value in obj.items() if key != "status"}
        answer = self.admin.raw("POST", collection(obj), json.dumps(plain), Content_Type="application/json")
        if answer.status == 201 and status:
            place = f"{collection(obj)}/{obj['metadata']['name']}/status"
            self.admin.patch(place, {"status": status})
        return answer

    def scrub(self, value: str) -> str:
        """A text without the server's address and this run's directories."""
        host = self.server.url.removeprefix("https://")
        scrubbed = value.replace(self.server.url, "https://SERVER").replace(host, "SERVER")
        return re.sub(re.escape(str(self.directory)), "/TMP", scrubbed)


def collection(obj: Object) -> str:
    """The path of the collection that an object belongs to."""
    kind, namespace = obj["kind"], obj["metadata"].get("namespace")
    root = "/api/v1" if obj["apiVersion"] == "v1" else f"/apis/{obj['apiVersion']}"
    ending = "es" if kind.endswith(("s", "x", "ch")) else "s"
    plural = PLURALS.get(kind, kind.lower() + ending)
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
