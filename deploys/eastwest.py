"""The primary's east-west gateway, with the addresses from which istiod learns where it is."""

from pyinfra import host

from meshctl.operations import installations, objects, readiness

access = host.data.kubernetes
wanted = installations.wanted(host.data.installs["eastwest"], host.data.external_ips)
objects.applied(name="East-west gateway", access=access, manifests=wanted.all)
readiness.available(name="It is ready", access=access, names=wanted.deployments)
