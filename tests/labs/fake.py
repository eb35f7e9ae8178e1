"""A made-up mesh: it holds what is applied and answers as the model of the mesh says, by seeded chance."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from meshctl.errors import Refused
from meshctl.labs.forecast import Forecast, forecast
from meshctl.labs.lab import Load
from meshctl.labs.view import CALLERS, Seen, View, caller
from meshctl.mesh.pod import Pod as MeshPod
from meshctl.mesh.traffic import Answer, Call, Hop, Share, Shares
from meshctl.predict.mesh import Pod, bookinfo
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest
from meshctl.topology import Topology

SLOW = 2.1


@dataclass
class FakeMesh:
    """`shift`: this share of the answers comes from another pod than it should. `refusal`: what the API server says."""

    topology: Topology
    seed: int = 1
    shift: float = 0.0
    refusal: str = ""
    objects_: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    failed: list[Outage] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    ejected: dict[tuple[View, str], set[str]] = field(default_factory=dict)
    clock: float = 0.0
    sent: int = 0
    log: list[str] = field(default_factory=list)
    stale: bool = False
    forecasts: dict[object, Forecast] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def faults(self) -> list[str]:
        return list(self.broken)

    def pods(self) -> tuple[Pod, ...]:
        gone = {(one.cluster, one.service) for one in self.failed if one.kind == "gone"}
        made = bookinfo(self.topology).pods
        return tuple(
            replace(pod, address=f"10.0.0.{number}", name=_name(pod))
            for number, pod in enumerate(made)
            if (pod.cluster, pod.service) not in gone
        )

    def apply(self, manifest: Manifest) -> None:
        if self.refusal and manifest["kind"] == "DestinationRule":
            raise Refused(self.refusal)
        self.log.append(f"apply {manifest['kind']} {manifest['metadata']['name']}")
        self.objects_[manifest["kind"], manifest["metadata"]["name"]] = manifest
        if manifest["kind"] == "DestinationRule":
            self.ejected.clear()

    def delete(self, manifest: Manifest) -> None:
        self.objects_.pop((manifest["kind"], manifest["metadata"]["name"]), None)
        if manifest["kind"] == "DestinationRule":
            self.ejected.clear()

    def objects(self, kind: str) -> Sequence[Manifest]:
        return [item for (found, _), item in self.objects_.items() if found == kind]

    def fail(self, outage: Outage) -> None:
        self.log.append(f"fail {outage.kind} {outage.cluster}")
        if outage not in self.failed:
            self.failed.append(outage)

    def heal(self, outage: Outage) -> None:
        self.log.append(f"heal {outage.kind} {outage.cluster}")
        if outage in self.failed:
            self.failed.remove(outage)

    def outages(self) -> Sequence[str]:
        return list(self.foreign)

    def pause(self, seconds: float) -> None:
        self.clock += seconds

    def now(self) -> float:
        self.clock += 0.001
        return self.clock

    def forecast(self) -> Forecast:
        rules = self.objects("DestinationRule")
        key = (tuple(item["metadata"]["name"] for item in rules), tuple(self.failed))
        if key not in self.forecasts:
            self.forecasts[key] = forecast(self.topology, self.pods(), rules, self.failed)
        return self.forecasts[key]

    def seen(self, view: View, service: str) -> Mapping[str, Seen]:
        rules = {
            item["spec"]["host"].partition(".")[0]: item["metadata"]["name"]
            for item in ([] if self.stale else self.objects("DestinationRule"))
        }
        found = frozenset(self.ejected.get((view, service), ()))
        table = self.forecast().hop(view, service).table
        return {f"{view.cluster}/{view.kind}": Seen(table, found, rules.get(service, ""))}

    def measure(self, load: Load) -> Shares:
        now = self.forecast()
        self.sent += load.requests
        self.clock += load.requests / 300
        answers = tuple(self._answer(now, number) for number in range(load.requests))
        hops = tuple(self._hop(now, service, load.requests) for service in CALLERS if CALLERS[service])
        self._eject(now)
        return Shares(Call(load.path, requests=load.requests), "http://fake", 1.0, answers, hops)

    def _answer(self, now: Forecast, number: int) -> Answer:
        found = now.of(caller("productpage", now.local), "productpage")
        upstream = self._draw({key: float(value) for key, value in found.client.shares.items()})
        pods = {key: float(value) for key, value in found.pods.items()}
        name = self._draw({**pods, "": float(found.failed)})
        if name:
            name = self._behind(now, upstream, name, pods)
        if self.random.random() < self.shift:
            name = self.random.choice([_name(pod) for pod in now.damage.mesh.pods if pod.service == "productpage"])
        seconds = SLOW if self.random.random() < found.stalled else 0.003
        pod = _pod(name) if name else None
        at = number / 300
        return Answer(number, at, seconds, 200 if name else 503, "", "-" if name else "UF,URX", upstream, "", pod)

    def _behind(self, now: Forecast, upstream: str, name: str, pods: Mapping[str, float]) -> str:
        """The pod that fits the chosen endpoint, so that both hops of an answer agree."""
        cluster = now.cluster_of(upstream)
        found = now.of(caller("productpage", now.local), "productpage").gateways.get(cluster)
        names = {f"{pod.address}:9080": pod.name for pod in now.damage.mesh.pods}
        shares = {upstream: 1.0} if found is None else {key: float(value) for key, value in found.shares.items()}
        drawn = names.get(self._draw(shares), name)
        return drawn if drawn in pods else name

    def _hop(self, now: Forecast, service: str, calls: int) -> Hop:
        found = now.of(caller(service, now.local), service)
        counts: dict[str, int] = {}
        for _ in range(calls):
            name = self._draw({**{key: float(value) for key, value in found.pods.items()}, "": float(found.failed)})
            counts[name] = counts.get(name, 0) + 1
        broken = counts.pop("", 0) + sum(self.random.random() < found.stalled for _ in range(calls))
        shares = tuple(Share(_pod(name), count, {200: count}) for name, count in counts.items())
        return Hop(service, calls, shares, {"DC": broken} if broken else {})

    def _draw(self, shares: Mapping[str, float]) -> str:
        names = [name for name, share in shares.items() if share]
        return self.random.choices(names, [shares[name] for name in names])[0] if names else ""

    def _eject(self, now: Forecast) -> None:
        for service in CALLERS:
            first = caller(service, now.local)
            for view in (first, *now.behind(first, service)):
                self.ejected.setdefault((view, service), set()).update(now.hop(view, service).ejected)


def _name(pod: Pod) -> str:
    return f"{pod.cluster}/istio/{pod.name.rpartition('.')[0]}"


def _pod(name: str) -> MeshPod:
    cluster, namespace, pod = name.split("/")
    containers: tuple[str, ...] = ("app", "istio-proxy")
    return MeshPod(cluster, namespace, pod, "node", "10.0.0.1", pod, pod, "v1", containers, "app", True, True)
