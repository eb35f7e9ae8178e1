"""Putting a server together, and the objects that every cluster begins with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.apiserver import writing
from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.auth import policy, rbac
from meshctl.sandbox.apiserver.auth.authentication import Authenticator
from meshctl.sandbox.apiserver.auth.certificates import CertificateUsers
from meshctl.sandbox.apiserver.auth.jwt import Signer
from meshctl.sandbox.apiserver.auth.rbac import Authorizer
from meshctl.sandbox.apiserver.auth.tokens import AccountTokens, StaticTokens
from meshctl.sandbox.apiserver.config import Config
from meshctl.sandbox.apiserver.resources.catalog import Catalog
from meshctl.sandbox.apiserver.storage.revision import Change
from meshctl.sandbox.apiserver.storage.store import Store
from meshctl.sandbox.apiserver.strategy import definitions
from meshctl.sandbox.apiserver.strategy.addresses import Addresses
from meshctl.sandbox.apiserver.writing import Writing

Object = dict[str, Any]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
PRIORITIES = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
CRITICAL = {
    "system-node-critical": "Used for system critical pods that must not be moved from their current node.",
    "system-cluster-critical": "Used for system critical pods that must run in the cluster, but can be moved to another"
    " node if necessary.",
}


async def api(config: Config, store: Store) -> Api:
    """All parts of a server, wired to follow what is stored; missing initial objects are created."""
    signer = Signer(config.service_account_key)
    catalog = Catalog()
    rights = _Rights(store)

    def lookup(storage: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        stored = store.get(storage, f"{namespace}/{name}" if namespace else name)
        return stored.load() if stored else None

    accounts = AccountTokens(signer, config.issuer, lookup)
    certificates = CertificateUsers(config.client_ca)
    authenticator = Authenticator(certificates, StaticTokens(config.token_file), accounts, config.api_audiences)
    addresses = Addresses(config.service_cidr, config.node_ports, _loaded(store, "services"))
    made = Api(
        config,
        store,
        catalog,
        signer,
        accounts,
        authenticator,
        Authorizer(rights.read, rights.version),
        addresses,
    )
    _follow(made, rights)
    await _create_initial(made)
    return made


def _loaded(store: Store, storage: str) -> list[Object]:
    return [stored.load() for stored in store.page(storage).items]


class _Rights:
    """The stored roles and bindings, and a number that grows with each change of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changes = 0

    def read(self, kind: str) -> Sequence[Object]:
        return _loaded(self._store, f"{kind}.{rbac.GROUP}")

    def version(self) -> int:
        return self.changes

    def changed(self, _: Change) -> None:
        self.changes += 1


def _follow(made: Api, rights: _Rights) -> None:
    for kind in rbac.KINDS:
        made.store.changes.observe(f"{kind}.{rbac.GROUP}", rights.changed)
    made.store.changes.observe("services", lambda change: _readdress(made, change))
    made.store.changes.observe(definitions.STORAGE, lambda _: _redefine(made))
    _redefine(made)


def _readdress(made: Api, change: Change) -> None:
    made.addresses.changed(change.previous(), None if change.kind == "DELETED" else json.loads(change.data))


def _redefine(made: Api) -> None:
    found = _loaded(made.store, definitions.STORAGE)
    made.catalog.define(resource for one in found for resource in definitions.served(one))


async def _create_initial(made: Api) -> None:
    for obj in (*_namespaces(), *policy.cluster_roles(), *policy.cluster_role_bindings(), *_priorities()):
        await _ensure(made, obj)
    if made.config.advertise_address:
        await _ensure(made, _service(made))
        await _ensure(made, _endpoints(made))
        await _ensure(made, _endpoint_slice(made))


async def _ensure(made: Api, obj: Object) -> None:
    group, _, version = obj["apiVersion"].rpartition("/")
    resource = made.catalog.kind(group, version, obj["kind"])
    if resource is None:
        return
    key = resource.key(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
    if made.store.get(resource.storage, key) is None:
        await writing.insert(made, resource, obj, Writing("kube-apiserver"))


def _namespaces() -> list[Object]:
    labels = "kubernetes.io/metadata.name"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {labels: name}}}
        for name in NAMESPACES
    ]


def _priorities() -> list[Object]:
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": value,
            "description": CRITICAL[name],
            "preemptionPolicy": "PreemptLowerPriority",
        }
        for name, value in PRIORITIES.items()
    ]


SERVICE_LABELS = {"component": "apiserver", "provider": "kubernetes"}


def _service(made: Api) -> Object:
    address = str(made.config.service_cidr[1])
    port = {"name": "https", "protocol": "TCP", "port": 443, "targetPort": made.config.port}
    spec = {"clusterIP": address, "ports": [port], "sessionAffinity": "None", "type": "ClusterIP"}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": dict(SERVICE_LABELS)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _endpoints(made: Api) -> Object:
    labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    port = {"name": "https", "port": made.config.port, "protocol": "TCP"}
    subset = {"addresses": [{"ip": made.config.advertise_address}], "ports": [port]}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}


def _endpoint_slice(made: Api) -> Object:
    labels = {"kubernetes.io/service-name": "kubernetes"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": made.config.port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [made.config.advertise_address], "conditions": {"ready": True}}],
    }
