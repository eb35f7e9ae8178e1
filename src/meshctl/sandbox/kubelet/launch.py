"""How a container's program is started: its words, its environment, its user, its files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from meshctl.sandbox.children import PATH
from meshctl.sandbox.enter import PACKAGE
from meshctl.sandbox.kubelet.expansion import expand
from meshctl.sandbox.kubelet.files import hostname
from meshctl.sandbox.kubelet.images import Image
from meshctl.sandbox.wire import Mount, Program

Object = Mapping[str, Any]
ROOT_IDS = (0, 0)


def argv(container: Object, image: Image, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Command and arguments, with `$(VAR)` replaced."""
    command = tuple(expand(one, variables) for one in container.get("command") or ())
    arguments = tuple(expand(one, variables) for one in container.get("args") or ())
    return image.argv(command, arguments)


def environment(pod: Object, image: Image, variables: Mapping[str, str], words: tuple[str, ...]) -> dict[str, str]:
    """What the program finds: a container's own, the image's, the pod's."""
    own = {"PATH": PATH, "HOSTNAME": hostname(pod), "HOME": "/root", "LANG": "C.UTF-8"}
    ours = {"PYTHONPATH": str(PACKAGE), "PYTHONUNBUFFERED": "1"} if words[:1] == (sys.executable,) else {}
    return {**own, **image.environment, **variables, **ours}


def ids(pod: Object, container: Object) -> tuple[int, int]:
    """User and group: the container's `securityContext`, else the pod's, else root."""
    contexts = (container.get("securityContext") or {}, pod["spec"].get("securityContext") or {})
    user, group = (
        next((int(one[key]) for one in contexts if one.get(key) is not None), default)
        for key, default in (("runAsUser", 0), ("runAsGroup", 0))
    )
    return user, group


def program(
    name: str,
    pod: Object,
    container: Object,
    words: tuple[str, ...],
    variables: Mapping[str, str],
    mounts: tuple[Mount, ...],
    log: Path,
) -> Program:
    """The program for the supervisor; it is never started again by itself."""
    user, group = ids(pod, container)
    return Program(
        name,
        words,
        pod["spec"]["nodeName"],
        "" if pod["spec"].get("hostNetwork") else pod_name(pod),
        "container",
        dict(variables),
        container.get("workingDir") or "/",
        user,
        group,
        str(log),
        mounts,
        "never",
        grace=0.0,
    )


def pod_name(pod: Object) -> str:
    """The pod's name at the supervisor, which outlives its agent."""
    metadata = pod["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"


def program_name(pod: Object, container: str, attempt: int) -> str:
    """The name of one life of a container."""
    return f"{pod_name(pod)}/{container}/{attempt}"
