"""Outages: parts of a running mesh cut off, slowed and made lossy, for real, and mended again.

outages.named(topology, provider, ["cluster2", "gateway/cluster3"]) -> (Outage, ...)       words to values
outages.fail(topology, provider, [Outage("cluster", "cluster2")]) -> Change(changed, failing)
outages.heal(topology, provider, outages or None) -> Change(changed, failing)
outages.current(topology, provider) -> what fails now, as the nodes' kernels have it
"""

from meshctl.outages.actions import Change, among, current, fail, heal, named
from meshctl.outages.outage import Outage

__all__ = ["Change", "Outage", "among", "current", "fail", "heal", "named"]
