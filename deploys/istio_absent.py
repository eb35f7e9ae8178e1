"""Without what `istio.py` makes."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects

file = host.data.installs["istio"]
if host.data.embedded:
    wanted = [*installations.published(file, host.data.kubernetes), *installations.wanted(file).all]
    objects.absent(name="Control plane", access=host.data.kubernetes, manifests=wanted)
else:
    istioctl.absent(name="Control plane", file=file)
