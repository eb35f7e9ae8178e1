"""The whole mesh: from nothing to a page, a rule on its way to every proxy, what it costs at rest, and down."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lifecycle import state_folder
from benchmarks.timing import MESHCTL, command, show
from meshctl.kube import ports
from meshctl.mesh import clusters, synchronization
from meshctl.mesh.clusters import Mesh
from meshctl.mesh.pod import Pod
from meshctl.providers import choose
from meshctl.sandbox import paths, running, usage
from meshctl.validate import find_topology

TARGETS = {"up from nothing to the first page": 15.0, "down": 5.0, "a rule at every proxy": 0.15}
ISTIOD_PERCENT, MEMORY_MIB = 2, 1536
PRESET = "classroom"
ROUNDS, CHANGES, IDLE_SECONDS = 3, 15, 20.0
HOST = "productpage"


def run() -> None:
    """Print medians; the classroom must not be up by the same name."""
    seconds: dict[str, list[float]] = {name: [] for name in ("up from nothing to the first page", "down")}
    with state_folder() as home:
        for number in range(ROUNDS):
            seconds["up from nothing to the first page"].append(_first_page())
            if number == ROUNDS - 1:
                seconds["a rule at every proxy"] = _changes(home / "rule.json")
                _idle()
            begun = time.perf_counter()
            command(*MESHCTL, "down", "--preset", PRESET)
            seconds["down"].append(time.perf_counter() - begun)
    show("the whole mesh", seconds, TARGETS)


def _first_page() -> float:
    begun = time.perf_counter()
    command(*MESHCTL, "up", "--preset", PRESET)
    told = subprocess.run((*MESHCTL, "open", "--preset", PRESET), check=True, capture_output=True, text=True).stdout
    url = next(word for word in told.split() if word.startswith("http://"))
    while not _answers(url):
        time.sleep(0.05)
    return time.perf_counter() - begun


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def _changes(file: Path) -> list[float]:
    """Seconds from the end of `kubectl apply` until every proxy has acknowledged what became of its clusters."""
    topology = find_topology(preset=PRESET)
    mesh = clusters.connect(topology, choose.provider(topology).forwarded())
    (istiod,) = [one for one in clusters.survey(mesh).pods if one.service == synchronization.ISTIOD]
    kubeconfig = file.with_name("kubeconfig")
    command(*MESHCTL, "kubeconfig", "--preset", PRESET, "-o", str(kubeconfig))
    kubectl = ("kubectl", "--kubeconfig", str(kubeconfig), "--context", topology.primary.name)
    found = []
    for number in range(CHANGES + 1):
        file.write_text(json.dumps(_rule(number)))
        before = _nonces(mesh, istiod)
        command(*kubectl, "apply", "-f", str(file))
        begun = time.perf_counter()
        while not _is_acknowledged(before, _nonces(mesh, istiod)):
            pass
        found.append(time.perf_counter() - begun)
    command(*kubectl, "delete", "-f", str(file))
    # The first one makes the rule, the others change it.
    return found[1:]


def _rule(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "DestinationRule",
        "metadata": {"name": "timed", "namespace": "istio"},
        "spec": {"host": HOST, "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 1000 + number}}}},
    }


def _nonces(mesh: Mesh, istiod: Pod) -> dict[str, tuple[str, str]]:
    """What each proxy was sent last for its clusters, and what it acknowledged."""
    told = json.loads(ports.get(mesh.accesses[istiod.cluster], istiod.path, synchronization.PORT, "/debug/syncz"))
    return {one["proxy"]: (one.get("cluster_sent", ""), one.get("cluster_acked", "")) for one in told}


def _is_acknowledged(before: dict[str, tuple[str, str]], now: dict[str, tuple[str, str]]) -> bool:
    return all(sent == acked != before[name][1] for name, (sent, acked) in now.items())


def _idle() -> None:
    """Print what everything uses together, and istiod's share of one core while nothing happens."""
    with running.supervisor(paths.of(PRESET).folder) as supervisor:
        processes = _below(supervisor.pid)
    (istiod,) = [one for one in processes if "meshctl.sandbox.xds" in _words(one)]
    begun, used = time.perf_counter(), _cpu(istiod)
    everything = sum(map(_cpu, processes))
    time.sleep(IDLE_SECONDS)
    passed = time.perf_counter() - begun
    percent = 100 * (_cpu(istiod) - used) / passed
    whole = 100 * (sum(map(_cpu, processes)) - everything) / passed
    mib = sum(map(_pss, processes)) / 1024
    print(f"idle: {len(processes)} processes, {mib:.0f} MiB (PSS)   target {MEMORY_MIB} MiB")
    print(f"idle: istiod {percent:.1f} % of a core   target {ISTIOD_PERCENT} %; everything {whole:.0f} %")


def _below(first: int) -> Sequence[int]:
    """A process and all its descendants."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    found = [first]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parent(process: Path) -> int:
    return next((int(line.split()[1]) for line in _lines(process / "status") if line.startswith("PPid:")), 0)


def _words(pid: int) -> str:
    return "".join(_lines(Path(f"/proc/{pid}/cmdline")))


def _cpu(pid: int) -> float:
    fields = "".join(_lines(Path(f"/proc/{pid}/stat"))).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / usage.TICKS if fields else 0.0


def _pss(pid: int) -> int:
    """In KiB; shared pages count for their share."""
    return sum(int(line.split()[1]) for line in _lines(Path(f"/proc/{pid}/smaps_rollup")) if line.startswith("Pss:"))


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(errors="replace").splitlines()
    except OSError:
        return
