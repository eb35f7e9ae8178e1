"""An outage as a value: what is cut off, or slowed, or loses packets, and the name under which the kernel keeps it."""

from __future__ import annotations

from dataclasses import dataclass

TABLE = "meshctl-outage"


@dataclass(frozen=True, slots=True, order=True)
class Outage:
    """`kind` is one of KINDS; without delay and loss nothing gets through at all.

    `target` is a cluster's name (cluster, gateway, ingress, apiserver), two as `cluster1-cluster2` (link), a node's
    (node), `cluster/namespace/pod` (pod), or nothing (istiod). `delay` is in microseconds, for each packet that comes
    in; `loss` in hundredths of a percent of the packets that come in.
    """

    kind: str
    target: str = ""
    delay: int = 0
    loss: int = 0

    @property
    def words(self) -> str:
        """What it is called on the command line: `cluster2`, `cluster1-cluster2`, `node/cluster2-n1`."""
        if self.kind in ("cluster", "link"):
            return self.target
        return f"{self.kind}/{self.target}" if self.target else self.kind

    @property
    def table(self) -> str:
        """The name of its tables in the kernels of nodes; `parse` reads it back."""
        return f"{TABLE}/{self.kind}/{self.delay}/{self.loss}/{self.target}"

    @property
    def cuts(self) -> bool:
        """Whether nothing gets through."""
        return not self.delay and not self.loss

    def same_target(self, other: Outage) -> bool:
        """Whether it is the same thing that fails, in whatever way."""
        return (self.kind, self.target) == (other.kind, other.target)

    @property
    def document(self) -> dict[str, object]:
        """As JSON: seconds and percent."""
        return {
            "target": self.words,
            "kind": self.kind,
            "delay": self.delay / 1e6,
            "loss": self.loss / 100,
            "cut": self.cuts,
        }

    def __str__(self) -> str:
        how = [f"delay {self.delay / 1000:g} ms"] if self.delay else []
        how += [f"loss {self.loss / 100:g} %"] if self.loss else []
        return f"{self.words} ({', '.join(how) or 'cut off'})"


KINDS = ("cluster", "link", "node", "pod", "gateway", "ingress", "apiserver", "istiod")


def parse(table: str) -> Outage | None:
    """The outage that a table belongs to; None if it is somebody else's."""
    parts = table.split("/", 4)
    if len(parts) != 5 or parts[0] != TABLE or parts[1] not in KINDS:
        return None
    if not (parts[2].isdigit() and parts[3].isdigit()):
        return None
    return Outage(parts[1], parts[4], int(parts[2]), int(parts[3]))
