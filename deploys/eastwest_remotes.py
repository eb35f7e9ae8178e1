"""The remotes' east-west gateways, with the addresses from which istiod learns where they are."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects

access, file, addresses = host.data.kubernetes, host.data.installs["eastwest-remotes"], host.data.external_ips
if host.data.embedded:
    wanted = installations.wanted(file, addresses)
    objects.applied(name="East-west gateway", access=access, manifests=wanted.all)
else:
    istioctl.installed(name="East-west gateway", file=file)
    objects.applied(name="Its addresses", access=access, manifests=installations.addressed(file, addresses))
