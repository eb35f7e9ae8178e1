"""Everything is ready, and what is older than something it read when it started was restarted."""

from pyinfra import host

from meshctl.operations import restarts

restarts.settled(
    name="Rollout",
    access=host.data.kubernetes,
    cluster=host.data.cluster,
    network=host.data.network,
    namespaces=["istio-system", "istio"],
)
