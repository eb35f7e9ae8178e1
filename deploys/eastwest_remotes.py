"""The remotes' east-west gateways, with the addresses from which istiod learns where they are."""

from pyinfra import host

from meshctl.operations import installations, objects

wanted = installations.wanted(host.data.installs["eastwest-remotes"], host.data.external_ips)
objects.applied(name="East-west gateway", access=host.data.kubernetes, manifests=wanted.all)
