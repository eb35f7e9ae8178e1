"""Hosts made, prepared and taken away; the same work by Ansible and by one ssh call after the other. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import topologies
from benchmarks.lifecycle import lifecycle, state_folder
from benchmarks.timing import MESHCTL, command, show, take_turns
from meshctl.providers.data import SYSCTLS
from meshctl.render.routes import PROTOCOL
from meshctl.sandbox import paths
from meshctl.topology import Topology, node_routes
from meshctl.validate import find_topology, load

TARGETS = {"up from nothing": 4.0, "second up": 2.5, "plan": 2.5, "down": 2.0}
STEPS = ("hosts", "host-settings", "routes")
UP = (*MESHCTL, "up", "--preset", "classroom", *(word for step in STEPS for word in ("--only", step)))
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - copy: {content: "{{ sysctls }}", dest: /etc/sysctl.d/90-bench.conf}
    - shell: "grep -q 1 /proc/sys/net/ipv4/ip_forward || { echo 1 > /proc/sys/net/ipv4/ip_forward; echo changed; }"
      register: forward
      changed_when: "'changed' in forward.stdout"
    - shell: "ip route show {{ item.split()[0] }} | grep -q via || { ip route replace {{ item }}; echo changed; }"
      loop: "{{ routes }}"
      register: added
      changed_when: "'changed' in added.stdout"
    - shell: |
        ip route show proto PROTOCOL | while read -r to via gateway rest; do
          case "{{ routes | join(' ') }}" in *"$to via $gateway"*) ;; *) ip route delete "$to"; echo changed ;; esac
        done
      register: removed
      changed_when: "'changed' in removed.stdout"
    - stat: {path: /run/systemd/system}
      register: systemd
    - copy: {content: "{{ unit }}", dest: /etc/systemd/system/bench-routes.service}
      when: systemd.stat.exists
    - command: dpkg-query -W -f '${Status}' bash
      changed_when: false
"""


def run(rounds: int = 5) -> None:
    """Print medians; every way meets hosts that are as they should be, but for the first `up`."""
    with state_folder() as home:
        classroom = find_topology(preset="classroom")
        show("nine hosts", lifecycle(["--preset", "classroom"], rounds, STEPS), TARGETS)
        command(*UP)
        ways = _ways(classroom, home)
        try:
            seconds = take_turns(ways, rounds)
        finally:
            command(*MESHCTL, "down", "--preset", "classroom")
        show("nothing to change, nine hosts", seconds)
        ours = median(seconds["meshctl up"])
        for name in list(ways)[1:]:
            print(f"  {name}: {median(seconds[name]) / ours:.1f} times meshctl's")
        _growth(home)


def _ways(topology: Topology, home: Path) -> dict[str, Callable[[], None]]:
    ways: dict[str, Callable[[], None]] = {
        "meshctl up": lambda: command(*UP),
        "one ssh call after the other": lambda: _ssh_calls(topology),
    }
    if playbook := shutil.which("ansible-playbook"):
        inventory, play, settings = _ansible(topology, home)
        environment = {**os.environ, **settings}
        argv = [playbook, "-i", inventory, play]
        ways["ansible-playbook"] = lambda: _ansible_run(argv, environment, home)
        first = next(node.name for _, node in topology.nodes)
        ways["ansible-playbook, one host"] = lambda: _ansible_run([*argv, "--limit", first], environment, home)
    else:
        print("ansible-playbook is not on the PATH: left out")
    return ways


def _ansible_run(argv: list[str], environment: dict[str, str], home: Path) -> None:
    # A folder of its own: like meshctl, each run makes its connections itself.
    sockets = tempfile.mkdtemp(dir=home)
    environment = {**environment, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets}
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _ssh_calls(topology: Topology) -> None:
    """What the course does by hand: a call for each setting and each route of each host."""
    ssh = ["ssh", "-F", str(paths.of(topology.name).ssh_config)]
    for cluster, node in topology.nodes:
        for key, value in SYSCTLS.items():
            file = f"/proc/sys/{key.replace('.', '/')}"
            command(*ssh, node.name, f"[ $(cat {file}) = {value} ] || echo {value} > {file}")
        command(*ssh, node.name, "cat /etc/sysctl.d/90-meshctl.conf")
        for route in node_routes(topology, cluster):
            command(*ssh, node.name, f"ip route show {route.destination} | grep -q via || ip route add {route}")


def _ansible(topology: Topology, home: Path) -> tuple[str, str, dict[str, str]]:
    config = paths.of(topology.name).ssh_config
    lines = []
    for cluster, node in topology.nodes:
        routes = [f"{route} proto {PROTOCOL}" for route in node_routes(topology, cluster)]
        lines.append(f"{node.name} routes='{routes!s}'".replace("'[", '"[').replace("]'", ']"'))
    inventory, play = home / "inventory", home / "play.yaml"
    shared = "[all:vars]\nansible_python_interpreter=/usr/bin/python3\nsysctls='net.ipv4.ip_forward = 1'\nunit=''\n"
    inventory.write_text("\n".join(lines) + f"\n{shared}", encoding="utf-8")
    play.write_text(PLAYBOOK.replace("PROTOCOL", str(PROTOCOL)), encoding="utf-8")
    settings = {
        "ANSIBLE_SSH_ARGS": f"-F {config} -o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": "9",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(home / "ansible"),
    }
    return str(inventory), str(play), settings


def _growth(home: Path) -> None:
    for hosts in (9, 30, 90):
        file = home / f"{hosts}.yaml"
        file.write_text(topologies.text(hosts // 3, 3), encoding="utf-8")
        load(file)
        show(f"{hosts} hosts", lifecycle(["-f", str(file)], 1, STEPS))
