"""What joins a remote cluster to the mesh, and its gateways, as the IstioOperator file on its node says."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects, readiness, restarts, secrets

access, file = host.data.kubernetes, host.data.installs["istio-remotes"]
if host.data.embedded:
    wanted = installations.wanted(file)
    objects.applied(name="Joining", access=access, manifests=wanted.plain)
    if "istiod" in wanted.deployments:
        signing = secrets.signing(host.data.signing)
        restarts.renewed(name="Certificates in use", access=access, deployment="istiod", signing=signing)
        readiness.available(name="istiod is ready", access=access, names=["istiod"])
    if file:
        root = secrets.root(host.data.signing)
        readiness.rooted(name="The root is published", access=access, root=root, namespaces=["istio-system", "istio"])
        readiness.injecting(name="Injection works", access=access)
    objects.applied(name="Injected gateways", access=access, manifests=wanted.injected)
else:
    istioctl.installed(name="Joining", file=file)
