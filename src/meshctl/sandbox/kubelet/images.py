"""Images that the sandbox has a program for, by repository name, whatever registry and tag."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

_BOOKINFO = re.compile(r"examples-bookinfo-(productpage|details|ratings|reviews)-(v\d+).*")
_PYTHON = (sys.executable, "-P", "-m")
# Only the machine's own programs run in these.
_SHELLS = ("busybox", "alpine", "debian", "ubuntu", "curl", "curl-ssl", "netshoot", "sleep", "pause", "kubectl")


@dataclass(frozen=True, slots=True)
class Image:
    """A program: `entry` and `words` as a Dockerfile's ENTRYPOINT and CMD; `commands` are programs of ours by name.

    `kind`: how it is started: `program`, or `proxy` for Istio's, which is either traffic capture or an Envoy.
    """

    entry: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = "program"

    def argv(self, command: tuple[str, ...], arguments: tuple[str, ...]) -> tuple[str, ...]:
        """What a container that states these runs; a command replaces the image's words, too."""
        if command:
            return self.resolve((*command, *arguments))
        return self.resolve((*self.entry, *(arguments or self.words)))

    def resolve(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command, with the first word replaced if it names a program of ours."""
        ours = self.commands.get(argv[0].rpartition("/")[2]) if argv else None
        return (*ours, *argv[1:]) if ours else argv


def find(reference: str) -> Image | None:
    """The image's program; None if there is none."""
    name = repository(reference)
    base = name.rpartition("/")[2]
    if found := _BOOKINFO.fullmatch(base):
        return _bookinfo(*found.groups())
    if base in _SHELLS:
        return Image(words=("sleep", "infinity") if base in ("sleep", "pause") else ("sh",))
    return {
        "fortio": Image(("fortio",), ("server",), commands={"fortio": (*_PYTHON, "meshctl.sandbox.load")}),
        "nginx": Image(("nginx",), ("-g", "daemon off;"), commands={"nginx": (*_PYTHON, "meshctl.sandbox.nginx")}),
        "proxyv2": Image(("pilot-agent",), kind="proxy"),
        "pilot": Image(
            ("pilot-discovery",),
            ("discovery",),
            commands={"pilot-discovery": (*_PYTHON, "meshctl.sandbox.xds", "serve")},
        ),
    }.get(base)


def repository(reference: str) -> str:
    """The name without registry's tag and digest: `docker.io/istio/proxyv2:1.31.0@sha256:...` is istio/proxyv2's."""
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def digest(reference: str) -> str:
    """What stands in `imageID`: the sandbox's own, since nothing was pulled."""
    return f"meshctl.sandbox/{repository(reference)}"


def _bookinfo(service: str, version: str) -> Image:
    argv = (*_PYTHON, "meshctl.sandbox.bookinfo", service)
    return Image(argv, (), {"SERVICE_VERSION": version})
