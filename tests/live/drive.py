"""What `up` and `down` do to hosts, as a program that a test can kill at any instant."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from meshctl import state
from meshctl.sandbox import control, create, delete, enter, paths
from meshctl.topology import Topology
from meshctl.validate import find_topology

LOOK = """\
hostname; ip -br addr | sed 's/@[^ ]*//; s/  */ /g'; ip route; cat /proc/sys/net/ipv4/ip_forward
cat /etc/hosts; ls -A /root; mount | wc -l
"""


def main(verb: str, name: str, preset: str = "classroom") -> None:
    """Prints what changed, or the state of all hosts, as JSON."""
    topology = find_topology(preset=preset)
    if verb == "up":
        with state.lock(name, "up"):
            answer: Any = create.create(topology, name).lines()
    elif verb == "down":
        with state.lock(name, "down"):
            answer = delete.delete(name)
    else:
        answer = look(topology, name)
    sys.stdout.write(json.dumps(answer))


def look(topology: Topology, name: str) -> dict[str, Any]:
    """What every host says of itself over SSH, and what the supervisor says of it."""
    asked = {
        node.name: subprocess.Popen([*enter.shell(name, node.name), LOOK], stdout=-1, stderr=-1, text=True)
        for _, node in topology.nodes
    }
    said = {node: "".join(process.communicate()) for node, process in asked.items()}
    with control.connect(name) as sandbox:
        status = sandbox.status()
    hosts = {node: {key: host[key] for key in ("address", "ready")} for node, host in sorted(status["hosts"].items())}
    return {"said": said, "hosts": hosts, "files": sorted(path.name for path in paths.of(name).folder.rglob("*"))}


if __name__ == "__main__":
    main(*sys.argv[1:])
