"""What a lab needs of a running mesh: the whole of it, so that any mesh, or a made-up one, will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from meshctl.labs.lab import Load
from meshctl.labs.view import Seen, View
from meshctl.mesh.traffic import Shares
from meshctl.predict.mesh import Pod
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest
from meshctl.topology import Topology

LABEL = "meshctl.io/lab"


class Environment(Protocol):
    """A mesh that can be changed, broken, mended, asked and measured."""

    @property
    def topology(self) -> Topology:
        """What it should be."""

    def faults(self) -> list[str]:
        """Why no lab can run in it, one line for each reason: what is down, or not as `up` left it."""

    def pods(self) -> tuple[Pod, ...]:
        """Bookinfo's pods that run, named `cluster/namespace/pod`; of a cluster that is down, those last seen."""

    def seen(self, view: View, service: str) -> Mapping[str, Seen]:
        """What each proxy of a view has for a service, by the proxy's name; those that can't be asked are left out."""

    def measure(self, load: Load) -> Shares:
        """Send requests through the ingress gateway and find who answered."""

    def apply(self, manifest: Manifest) -> None:
        """Make an object in the primary so; Refused with the API server's words."""

    def delete(self, manifest: Manifest) -> None:
        """Remove an object of the primary, if it is there."""

    def objects(self, kind: str) -> Sequence[Manifest]:
        """The primary's objects of a kind that the labs use, in Bookinfo's namespace."""

    def fail(self, outage: Outage) -> None:
        """Bring an outage about; again does no harm."""

    def heal(self, outage: Outage) -> None:
        """Undo an outage, and wait until pods that come back are ready; without one does no harm."""

    def outages(self) -> Sequence[str]:
        """What is failed now, by whomever, in the words of `meshctl fail`; pods that a lab takes away don't count."""

    def pause(self, seconds: float) -> None:
        """Wait."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
