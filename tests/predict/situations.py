"""Random meshes under random rules and outages, as the model sees them and as real Envoys can play them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from meshctl.predict.balancing import LocalityEndpoints
from meshctl.predict.flow import Hop, Prediction, fqdn, predict
from meshctl.predict.mesh import BOOKINFO_PORT, Mesh, MeshCluster, Pod, Proxy
from meshctl.predict.outage import Damage, Outage, damage
from meshctl.predict.policy import routing

from .envoy_config import Case, Pool
from .envoy_rig import FAILED

SERVICE = "productpage"
CLIENTS = ("ingress", "sidecar", "eastwest")


@dataclass(frozen=True, slots=True)
class Situation:
    """A damaged mesh, the rules in it and who asks."""

    damage: Damage
    outages: tuple[Outage, ...]
    rules: tuple[dict[str, Any], ...]
    client: Proxy

    @property
    def prediction(self) -> Prediction:
        """What the model says."""
        return predict(self.damage, self.client, SERVICE, self.rules)

    def expected(self) -> dict[str, float]:
        """Shares by address of the answering pod."""
        found = self.prediction
        address = {pod.title: pod.address for pod in self.damage.mesh.pods}
        shares = {address[pod]: float(share) for pod, share in found.pods.items()}
        return shares | ({FAILED: float(found.failed)} if found.failed else {})


def situation(dice: random.Random, number: int) -> Situation:
    """A random one; addresses tell its number."""
    mesh = _mesh(dice, number)
    rules = tuple(_rules(dice, mesh))
    outages = tuple(_outage(dice, mesh) for _ in range(dice.choice([0, 1, 1, 1, 2])))
    cluster = dice.choice(mesh.clusters).name
    client = dice.choice([mesh.gateway(cluster, "ingress"), mesh.sidecar(cluster, {"app": "sleep"})])
    return Situation(damage(mesh, outages), outages, rules, client)


def is_certain(found: Situation) -> bool:
    """Whether there is one steady state, and it comes soon.

    A limit that allows to eject only some of several failing hosts leaves it to chance, as do failures in a row of
    hosts that don't always fail. Localities and hosts of different weights are taken in turn, not drawn: the model
    leaves aside that a retry takes the turn of the next request.
    """
    prediction = found.prediction
    pool = _pool(found, found.client, prediction.client, {})
    weights = {endpoint.weight for group in pool.table for endpoint in group.endpoints}
    turns = pool.policy.locality_weighted or len(weights) > 1
    views = [(found.damage.mesh.eastwest(name), hop) for name, hop in prediction.gateways.items()]
    if turns and any(_fails_at_times(found, *view) for view in [(found.client, prediction.client), *views]):
        return False
    hops = [prediction.client, *prediction.gateways.values()]
    settled = all(not hop.doubtful and not (hop.ejected and hop.spared) for hop in hops)
    rare = any(how.rate < 1 for how in found.damage.failing.values()) and bool(prediction.gateways)
    return found.client.cluster not in found.damage.down and settled and not rare


def playable(found: Situation, number: int) -> Case:
    """What an Envoy needs to play it."""
    prediction, mesh = found.prediction, found.damage.mesh
    addresses = {
        address: f"127.{64 + number // 250}.{number % 250}.{position + 1}"
        for position, address in enumerate(gateway for one in mesh.clusters for gateway in one.gateways)
    }
    behind = {
        tuple(addresses[gateway] for gateway in mesh.by_name[name].gateways): _pool(
            found, mesh.eastwest(name), hop, addresses
        )
        for name, hop in prediction.gateways.items()
    }
    failing = {address: (float(how.rate), how.status) for address, how in found.damage.failing.items()}
    return Case(_pool(found, found.client, prediction.client, addresses), behind, failing)


def _pool(found: Situation, proxy: Proxy, hop: Hop, addresses: Mapping[str, str]) -> Pool:
    settings = routing(found.rules, fqdn(SERVICE), BOOKINFO_PORT, "", proxy.namespace, proxy.labels)
    unreached = _unreached(found, proxy, hop)
    lost = frozenset(_bare(address, addresses) for address in unreached)
    # One that is ejected costs a single time-out.
    silent = frozenset(_bare(address, addresses) for address in unreached & set(hop.ejected))
    table = tuple(_renamed(group, addresses) for group in hop.table)
    return Pool(table, settings.policy(), settings.outlier, lost - silent, silent, len(hop.ejected))


def _unreached(found: Situation, proxy: Proxy, hop: Hop) -> set[str]:
    """The addresses of a proxy's table to which its packets don't come."""
    homes = {f"{pod.address}:{BOOKINFO_PORT}": pod for pod in found.damage.mesh.pods}
    gateways = {address: one.name for one in found.damage.mesh.clusters for address in one.gateways}
    lost = set()
    for endpoint in (endpoint for group in hop.table for endpoint in group.endpoints):
        pod = homes.get(endpoint.address)
        place, home = (pod.address, pod.cluster) if pod else (endpoint.address, gateways[endpoint.address])
        if found.damage.drops(proxy.cluster, place, home):
            lost.add(endpoint.address)
    return lost


def _fails_at_times(found: Situation, proxy: Proxy, hop: Hop) -> bool:
    """Whether some but not all of the hosts that a proxy has left let connections fail."""
    lost = _unreached(found, proxy, hop) & hop.shares.keys()
    return 0 < len(lost) < len(hop.shares)


def _renamed(group: LocalityEndpoints, addresses: Mapping[str, str]) -> LocalityEndpoints:
    return replace(group, endpoints=tuple(replace(e, address=_bare(e.address, addresses)) for e in group.endpoints))


def _bare(address: str, addresses: Mapping[str, str]) -> str:
    return addresses.get(address) or address.rpartition(":")[0]


def _mesh(dice: random.Random, number: int) -> Mesh:
    clusters = []
    pods: list[Pod] = []
    for position in range(dice.randint(2, 5)):
        name = f"cluster{position + 1}"
        network = f"network{dice.randint(1, 3)}"
        place = (f"r{dice.randint(1, 3)}", f"z{dice.randint(1, 2)}", dice.choice(["", "s1", "s2"]))
        gateways = [f"10.0.{position}.{n}:15443" for n in range(dice.choice([0, 1, 1, 1, 1, 2]))]
        clusters.append(MeshCluster(name, network, place, tuple(gateways)))
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3])):
            address = f"127.{16 + number // 250}.{number % 250}.{len(pods) + 1}"
            labels = {"app": SERVICE, "version": dice.choice(["v1", "v2"])}
            pods.append(Pod(SERVICE, name, address, labels, mtls=dice.random() < 0.95))
    return Mesh(tuple(clusters), tuple(pods))


def _rules(dice: random.Random, mesh: Mesh) -> list[dict[str, Any]]:
    kind = dice.choice(["none", "distribute", "distribute", "failover", "failover", "priority", "default", "disabled"])
    if kind == "none":
        return []
    setting = _setting(dice, mesh, kind)
    policy: dict[str, Any] = {"loadBalancer": {"localityLbSetting": setting}} if setting else {}
    if kind in ("default", "priority") or dice.random() < 0.7:
        policy["outlierDetection"] = _outlier(dice)
    spec = {"host": fqdn(SERVICE), "trafficPolicy": policy or {"loadBalancer": {"simple": "LEAST_REQUEST"}}}
    return [{"kind": "DestinationRule", "metadata": {"name": "it", "namespace": "istio"}, "spec": spec}]


def _setting(dice: random.Random, mesh: Mesh, kind: str) -> dict[str, Any]:
    regions = sorted({cluster.locality[0] for cluster in mesh.clusters})
    if kind == "distribute":
        return {"distribute": [{"from": source, "to": _weights(dice, mesh)} for source in _sources(dice, regions)]}
    if kind == "failover":
        pairs = [(one, dice.choice([f"r{n}" for n in range(1, 5) if f"r{n}" != one])) for one in regions]
        return {
            "failover": [{"from": one, "to": other} for one, other in dice.sample(pairs, dice.randint(1, len(pairs)))]
        }
    if kind == "priority":
        labels = [
            "topology.istio.io/network",
            "topology.kubernetes.io/region",
            "topology.istio.io/cluster",
            "version=v1",
        ]
        return {"failoverPriority": dice.sample(labels, dice.randint(1, 3))}
    return {"enabled": False} if kind == "disabled" else {}


def _sources(dice: random.Random, regions: Sequence[str]) -> list[str]:
    return ["*"] if dice.random() < 0.3 else [f"{region}/*" for region in regions if dice.random() < 0.8]


def _weights(dice: random.Random, mesh: Mesh) -> dict[str, int]:
    places = sorted({"/".join(cluster.locality[:2]) for cluster in mesh.clusters})
    chosen = dice.sample(places, dice.randint(1, len(places)))
    cuts = sorted(dice.sample(range(1, 20), len(chosen) - 1))
    weights = [5 * (after - before) for before, after in zip([0, *cuts], [*cuts, 20], strict=True)]
    return {f"{place}/*": weight for place, weight in zip(chosen, weights, strict=True)}


def _outlier(dice: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"consecutive5xxErrors": dice.choice([0, 1, 1, 2, 3]), "interval": "1s"}
    limit = dice.choice([None, 34, 50, 100, 100, 100])
    if limit:
        found["maxEjectionPercent"] = limit
    if dice.random() < 0.15:
        found["consecutiveGatewayErrors"] = dice.choice([1, 2])
    if dice.random() < 0.15:
        found |= {"splitExternalLocalOriginErrors": True, "consecutiveLocalOriginFailures": 1}
    return found


def _outage(dice: random.Random, mesh: Mesh) -> Outage:
    kind = dice.choice(["cluster", "gateway", "link", "pod", "gone", "failing", "failing", "failing", "unready"])
    cluster = dice.choice(mesh.clusters).name
    if kind == "link":
        other = dice.choice([one.name for one in mesh.clusters if one.name != cluster])
        return Outage(kind, cluster, target=other)
    if kind == "pod":
        if not mesh.pods:
            return Outage("gateway", cluster)
        pod = dice.choice(mesh.pods)
        return Outage(kind, pod.cluster, target=pod.title)
    if kind == "failing":
        return Outage(
            kind,
            cluster,
            SERVICE,
            rate=dice.choice([Fraction(1), Fraction(1), Fraction(1, 2)]),
            status=dice.choice([500, 500, 503]),
        )
    return Outage(kind, cluster, "" if kind in ("cluster", "gateway") else SERVICE)
