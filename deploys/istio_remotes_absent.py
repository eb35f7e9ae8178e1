"""Without what `istio_remotes.py` makes."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects

file = host.data.installs["istio-remotes"]
if host.data.embedded:
    wanted = [*installations.published(file, host.data.kubernetes), *installations.wanted(file).all]
    objects.absent(name="Joining", access=host.data.kubernetes, manifests=wanted)
else:
    istioctl.absent(name="Joining", file=file)
