"""Outages: parts of a running mesh cut off, slowed or made lossy, for real, and mended again.

outages.named(topology, provider, ["cluster2", "gateway/cluster3"]) -> (Outage, ...)     words to values
outages.fail(topology, provider, [Outage("cluster", "cluster2")]) -> those that were new
outages.heal(topology, provider, outages or None) -> those that were there
outages.current(topology, provider) -> what fails now, as the nodes' kernels have it
"""

from meshctl.outages.actions import current, fail, heal, named
from meshctl.outages.outage import Outage

__all__ = ["Outage", "current", "fail", "heal", "named"]
