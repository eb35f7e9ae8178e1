"""Requests of a lab: sent through the ingress gateway and traced to the pods that answered."""

from __future__ import annotations

from benchmarks.timing import show
from meshctl.labs.lab import Load
from meshctl.labs.live import live
from meshctl.providers import choose
from meshctl.validate import find_topology

REQUESTS, ROUNDS = 1000, 5
TARGET = 5.0


def run() -> None:
    """Needs the classroom: `meshctl up` first."""
    topology = find_topology()
    provider = choose.provider(topology)
    if not provider.exists():
        print("labs: left out; needs a classroom that is up (`meshctl up`)")
        return
    env = live(topology, provider)
    env.measure(Load(requests=10))
    seconds: dict[str, list[float]] = {"sent, one after the other": [], "sent and traced": []}
    for _ in range(ROUNDS):
        begun = env.now()
        found = env.measure(Load(requests=REQUESTS))
        seconds["sent and traced"].append(env.now() - begun)
        seconds["sent, one after the other"].append(found.seconds)
    show(f"{REQUESTS} requests of a lab", seconds, {"sent and traced": TARGET})
