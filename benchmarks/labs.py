"""Requests of labs: sent through the ingress gateway under a lab's rule, and traced to the pods that answered."""

from __future__ import annotations

from benchmarks.timing import show
from meshctl.labs import engine
from meshctl.labs.cast import cast
from meshctl.labs.catalog import find
from meshctl.labs.environment import Environment
from meshctl.labs.lab import Load
from meshctl.labs.live import live
from meshctl.labs.stage import Stage
from meshctl.providers import choose
from meshctl.validate import find_topology

REQUESTS, ROUNDS = 1000, 5
TARGET = 5.0
# Answered at home, and behind another cluster's gateway, to which each request makes a connection of its own.
ACTS = (("failover", "course"), ("distribute", "own-pods"))


def run() -> None:
    """Needs the classroom: `meshctl up` first."""
    topology = find_topology()
    provider = choose.provider(topology)
    if not provider.exists():
        print("labs: left out; needs a classroom that is up (`meshctl up`)")
        return
    env = live(topology, provider)
    seconds: dict[str, list[float]] = {}
    for lab, act in ACTS:
        seconds |= _measured(env, lab, act)
    show(f"{REQUESTS} requests of a lab", seconds, {name: TARGET for name in seconds if name.endswith("traced")})


def _measured(env: Environment, lab: str, name: str) -> dict[str, list[float]]:
    (act,) = engine.chosen(find([lab])[0], find([lab])[0].acts(cast(env.topology)), [name])
    engine.prepare(env, [act], lambda _: None)
    stage = Stage(env, lab, lambda _: None)
    sent, traced = [], []
    try:
        stage.enter(act)
        for _ in range(ROUNDS):
            begun = env.now()
            sent.append(env.measure(Load(requests=REQUESTS)).seconds)
            traced.append(env.now() - begun)
    finally:
        stage.clear()
    return {f"{lab}, sent": sent, f"{lab}, sent and traced": traced}
