"""What the supervisor is told: hosts, pods and programs as values, and how they travel as JSON lines.

A request is `{"id": 1, "do": VERB, ...}`; the answer `{"id": 1, "ok": {...}}` or `{"id": 1, "error": TEXT}`,
with any number of `{"id": 1, "event": {...}}` before it. The verbs are the functions of `control`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

VERSION = 1

Message = dict[str, Any]
Restart = Literal["always", "on-failure", "never"]
Root = Literal["node", "fabric", "container"]


@dataclass(frozen=True, slots=True)
class Host:
    """A node of the sandbox: its name, its IPv4 address, and how much it may write to its disk, in MiB."""

    name: str
    address: str
    disk: int = 1024


@dataclass(frozen=True, slots=True)
class Fabric:
    """All hosts and the network between them; `address` is the fabric's own, in CIDR form, on the bridge."""

    address: str
    hosts: tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class Pod:
    """A network and UTS namespace of a node, joined to it by a veth pair as eth0 with a /32 address.

    Its default route is by way of the node, which gets a route to the address; nothing runs in it yet.
    """

    name: str
    node: str
    address: str
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the fabric's file system, seen by one program at another path."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Program:
    """What to run where, and what to do when it ends.

    Without `node` it runs in the fabric itself. `root` says whose files it sees: the node's own disk, the
    machine's, where meshctl, its Python and the sandbox's folder are, or a container's: the machine's programs, read
    only, and nothing else but `mounts`, whose targets are made. `pod` puts it into that pod's network. `beside` names
    a running program whose files it sees instead.
    The environment is complete: nothing is inherited. `log` is a file of the machine, appended to. A program
    that ends is started again after `backoff` seconds, twice that the next time, up to `backoff_limit`; one
    that ran for `backoff_limit` starts over.
    """

    name: str
    argv: tuple[str, ...]
    node: str = ""
    pod: str = ""
    root: Root = "node"
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    uid: int = 0
    gid: int = 0
    log: str = ""
    mounts: tuple[Mount, ...] = ()
    restart: Restart = "always"
    backoff: float = 0.1
    backoff_limit: float = 10.0
    stop_signal: int = 15
    grace: float = 5.0
    beside: str = ""


Spec = TypeVar("Spec", Fabric, Host, Pod, Program, Mount)


def document(value: Fabric | Host | Pod | Program | Mount) -> Message:
    """The value as JSON."""
    return asdict(value)


def parse(kind: type[Spec], message: Any) -> Spec:
    """The value back from JSON; ValueError names what is missing, unknown or of the wrong kind."""
    if not isinstance(message, dict):
        raise ValueError(f"{kind.__name__}: found {message!r}; expected an object")
    known = {one.name for one in fields(kind)}
    if unknown := sorted(set(message) - known):
        raise ValueError(f"{kind.__name__}: {', '.join(unknown)} unknown; expected {', '.join(sorted(known))}")
    try:
        return kind(**{key: _value(kind, key, value) for key, value in message.items()})
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from None


def _value(kind: type[Spec], key: str, value: Any) -> Any:
    if kind is Fabric and key == "hosts":
        return tuple(parse(Host, one) for one in value)
    if kind is Program and key == "mounts":
        return tuple(parse(Mount, one) for one in value)
    return tuple(value) if key == "argv" else value
