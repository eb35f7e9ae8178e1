"""What an act should look like, from the model of Istio and Envoy and the pods that run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from meshctl.labs.view import EASTWEST, SIDECAR, View
from meshctl.predict import flow
from meshctl.predict.flow import Hop, Prediction
from meshctl.predict.mesh import Mesh, Pod, Proxy, bookinfo
from meshctl.predict.outage import Damage, Outage, damage
from meshctl.predict.policy import Rule
from meshctl.topology import Topology

INGRESS_LABELS = {"istio": "ingressgateway", "app": "istio-ingressgateway"}


@dataclass(frozen=True, slots=True)
class Forecast:
    """A mesh under rules and outages; `local` is the cluster that requests come into."""

    damage: Damage
    rules: tuple[Rule, ...]
    local: str
    _found: dict[tuple[View, str], Prediction] = field(default_factory=dict, compare=False, repr=False)

    def of(self, view: View, service: str) -> Prediction:
        """What becomes of the requests that proxies send to a service."""
        key = (view, service)
        if key not in self._found:
            self._found[key] = flow.predict(self.damage, self._proxy(view), service, self.rules)
        return self._found[key]

    def hop(self, view: View, service: str) -> Hop:
        """The table of a proxy, what it ejects, and the share of each endpoint."""
        return self.of(view, service).client

    def behind(self, view: View, service: str) -> list[View]:
        """The east-west gateways that a proxy's requests can go through, those of dead clusters left out."""
        found = self.of(view, service).gateways
        mesh = self.damage.mesh
        alive = [name for name in found if not self.damage.silent & set(mesh.by_name[name].gateways)]
        return [View(EASTWEST, name) for name in alive]

    def cluster_of(self, address: str) -> str:
        """The cluster of an endpoint's address: of the gateway, or of the pod; empty if it is neither."""
        mesh = self.damage.mesh
        gateways = {address: cluster.name for cluster in mesh.clusters for address in cluster.gateways}
        host = address.rpartition(":")[0]
        pods = {pod.address: pod.cluster for pod in mesh.pods}
        return gateways.get(address) or pods.get(host, "")

    def _proxy(self, view: View) -> Proxy:
        mesh = self.damage.mesh
        if view.kind == EASTWEST:
            return mesh.eastwest(view.cluster)
        labels = {"app": view.workload} if view.kind == SIDECAR else INGRESS_LABELS
        return mesh.sidecar(view.cluster, labels)


def forecast(
    topology: Topology, pods: Iterable[Pod] | None, rules: Sequence[Rule], outages: Iterable[Outage]
) -> Forecast:
    """The forecast for the pods that run, or for those that `up` makes."""
    plain = bookinfo(topology)
    mesh = plain if pods is None else Mesh(plain.clusters, tuple(pods))
    return Forecast(damage(mesh, outages), tuple(rules), topology.primary.name)
