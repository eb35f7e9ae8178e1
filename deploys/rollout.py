"""Everything is ready, and what is older than something it read when it started was restarted."""

from pyinfra import host

from meshctl.operations import restarts, secrets

restarts.settled(
    name="Rollout",
    access=host.data.kubernetes,
    cluster=host.data.cluster,
    network=host.data.network,
    labels=host.data.locality,
    root=secrets.root(host.data.signing),
    namespaces=["istio-system", "istio"],
)
