"""The primary's control plane and gateways, as the IstioOperator file on its node says."""

from pyinfra import host

from meshctl.operations import installations, objects, readiness, restarts

access, file = host.data.kubernetes, host.data.installs["istio"]
wanted = installations.wanted(file)
objects.applied(name="Control plane", access=access, manifests=wanted.plain)
if "istiod" in wanted.deployments:
    restarts.renewed(name="Signing certificates in use", access=access, deployment="istiod")
    readiness.available(name="istiod is ready", access=access, names=["istiod"])
if file:
    readiness.injecting(name="Injection works", access=access)
objects.applied(name="Injected gateways", access=access, manifests=wanted.injected)
