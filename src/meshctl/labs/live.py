"""A running mesh as labs need it, by way of the clusters' APIs and the proxies' own admin interfaces."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from meshctl import outages
from meshctl.errors import Refused
from meshctl.kube.client import ApiError, Client
from meshctl.labs import disruption, fault_filter, fitness, journal, proxies
from meshctl.labs.lab import Load
from meshctl.labs.view import Seen, View
from meshctl.mesh import admin, clusters, ingress, measurement
from meshctl.mesh.clusters import Mesh, Survey
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import Call, Shares
from meshctl.predict import mesh as model
from meshctl.predict.outage import Outage
from meshctl.providers.provider import Provider
from meshctl.render.bookinfo import VERSIONS
from meshctl.render.manifest import Manifest
from meshctl.render.namespaces import BOOKINFO as NAMESPACE
from meshctl.topology import Topology

GROUPS = {
    "ConfigMap": "/api/v1/configmaps",
    "DestinationRule": "/apis/networking.istio.io/v1beta1/destinationrules",
    "VirtualService": "/apis/networking.istio.io/v1beta1/virtualservices",
    "Gateway": "/apis/networking.istio.io/v1beta1/gateways",
    "EnvoyFilter": "/apis/networking.istio.io/v1alpha3/envoyfilters",
    "PeerAuthentication": "/apis/security.istio.io/v1beta1/peerauthentications",
}
SECONDS = 10.0
# The provider whose Bookinfo has fault switches; elsewhere Envoy fails in its place.
SWITCHED = "sandbox"


def live(topology: Topology, provider: Provider) -> LiveMesh:
    """The mesh behind a provider; UsageError if there is no way in."""
    return LiveMesh(clusters.connect(topology, provider.forwarded(), SECONDS), provider)


class LiveMesh:
    """An Environment."""

    def __init__(self, mesh: Mesh, provider: Provider) -> None:
        self._mesh = mesh
        self._provider = provider
        self._survey: Survey | None = None
        self._url = ""

    @property
    def topology(self) -> Topology:
        """What it should be."""
        return self._mesh.topology

    def faults(self) -> list[str]:
        """What is down, or missing."""
        return fitness.faults(self.topology, self._look())

    def pods(self) -> tuple[model.Pod, ...]:
        """Bookinfo's, as the model knows pods."""
        return tuple(_modelled(pod) for pod in self._look().pods if _is_bookinfo(pod) and pod.address)

    def seen(self, view: View, service: str) -> Mapping[str, Seen]:
        """Asked all at once."""
        survey = self._survey or self._look()
        asked = proxies.of_view(survey.pods, view)
        found = clusters.together(lambda pod: self._seen(pod, view, service), asked)
        return {pod.full_name: seen for pod, seen in zip(asked, found, strict=True) if seen}

    def _seen(self, pod: Pod, view: View, service: str) -> Seen | None:
        try:
            told = admin.clusters(self._mesh, pod)
            dump = json.loads(admin.ask(self._mesh, pod, proxies.dump_path(service)))
        except (admin.NoAnswer, ValueError):
            return None
        return proxies.seen(told, dump, proxies.cluster_name(view, service))

    def measure(self, load: Load) -> Shares:
        """By the mesh's access logs."""
        call = Call(load.path, "", (), load.requests, load.concurrency, load.timeout, load.rate)
        return measurement.measure(self._mesh, call, self._page())

    def _page(self) -> str:
        if not self._url:
            gateways = measurement.ingresses(self._mesh, self._survey or self._look())
            host, port = self._provider.reach(*ingress.address(self._mesh, gateways))
            self._url = f"http://{host}:{port}"
        return self._url

    def apply(self, manifest: Manifest) -> None:
        """In the primary, where istiod reads its configuration."""
        try:
            self._primary.apply(manifest)
        except ApiError as error:
            metadata = manifest["metadata"]
            what = f"{manifest['kind']} {metadata['namespace']}/{metadata['name']}"
            if 400 <= error.code < 500:
                raise Refused(f"{what}: the API server refuses it: {error}") from None
            raise ApiError(f"{what}: {error}", error.code) from None

    def delete(self, manifest: Manifest) -> None:
        """In the primary."""
        self._primary.delete(manifest)

    def objects(self, kind: str) -> Sequence[Manifest]:
        """Of every namespace; none where the cluster does not know the kind."""
        items = (self._primary.read(GROUPS[kind]) or {}).get("items") or ()
        version = GROUPS[kind].removeprefix("/apis/").removeprefix("/api/").rpartition("/")[0]
        return [{**item, "kind": kind, "apiVersion": version} for item in items]

    def fail(self, outage: Outage) -> None:
        """Pods by their Deployment or their fault switch, anything else by cutting packets."""
        if outage.kind == "gone":
            disruption.scale(self._mesh, outage, 0)
        elif outage.kind == "failing":
            self._make_fail(outage)
        else:
            outages.fail(self.topology, self._provider, [outages.Outage(outage.kind, outage.cluster)])

    def heal(self, outage: Outage) -> None:
        """The other way round."""
        if outage.kind == "gone":
            disruption.scale(self._mesh, outage, 1)
        elif outage.kind == "failing":
            self._make_well(outage)
        else:
            outages.heal(self.topology, self._provider, [outages.Outage(outage.kind, outage.cluster)])

    def outages(self) -> Sequence[str]:
        """As the nodes' kernels have them."""
        return [outage.words for outage in outages.current(self.topology, self._provider)]

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)

    def now(self) -> float:
        """The monotonic clock."""
        return time.monotonic()

    @property
    def _primary(self) -> Client:
        return self._mesh.clients[self.topology.primary.name]

    def _look(self) -> Survey:
        """Survey what can be asked; of clusters that can't, what was there before."""
        found = clusters.survey(self._mesh)
        before = self._survey.pods if self._survey else ()
        kept = tuple(pod for pod in before if pod.cluster in found.silent)
        self._survey = Survey((*found.pods, *kept), found.silent)
        return self._survey

    def _make_fail(self, outage: Outage) -> None:
        if self._provider.name == SWITCHED:
            disruption.switch(self._mesh, self._hit(outage), fail=True)
        else:
            self.apply(journal.labelled("failing", fault_filter.envoy_filter(outage)))

    def _make_well(self, outage: Outage) -> None:
        if self._provider.name == SWITCHED:
            disruption.switch(self._mesh, self._hit(outage), fail=False)
        else:
            self.delete(fault_filter.envoy_filter(outage))

    def _hit(self, outage: Outage) -> list[Pod]:
        pods = [pod for pod in self._look().pods if _is_bookinfo(pod)]
        return [pod for pod in pods if (pod.cluster, pod.service) == (outage.cluster, outage.service)]


def _is_bookinfo(pod: Pod) -> bool:
    return pod.namespace == NAMESPACE and pod.service in VERSIONS and pod.running


def _modelled(pod: Pod) -> model.Pod:
    labels: dict[str, Any] = {"app": pod.service, "version": pod.version}
    return model.Pod(pod.service, pod.cluster, pod.address, labels, pod.ready, pod.has_proxy, pod.full_name)
