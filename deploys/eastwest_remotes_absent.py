"""Without what `eastwest_remotes.py` makes."""

from pyinfra import host

from meshctl.operations import installations, istioctl, objects

file = host.data.installs["eastwest-remotes"]
if host.data.embedded:
    objects.absent(name="East-west gateway", access=host.data.kubernetes, manifests=installations.wanted(file).all)
else:
    istioctl.absent(name="East-west gateway", file=file)
