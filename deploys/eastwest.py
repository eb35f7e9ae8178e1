"""The primary's east-west gateway, with the addresses from which istiod learns where it is."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects, readiness

access, file, addresses = host.data.kubernetes, host.data.installs["eastwest"], host.data.external_ips
if host.data.embedded:
    wanted = installations.wanted(file, addresses)
    objects.applied(name="East-west gateway", access=access, manifests=wanted.all)
    readiness.available(name="It is ready", access=access, names=wanted.deployments)
else:
    istioctl.installed(name="East-west gateway", file=file)
    objects.applied(name="Its addresses", access=access, manifests=installations.addressed(file, addresses))
