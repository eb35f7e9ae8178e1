"""Without what `istio_remotes.py` makes."""

from pyinfra import host

from meshctl.operations import installations, objects

wanted = installations.wanted(host.data.installs["istio-remotes"])
objects.absent(name="Joining", access=host.data.kubernetes, manifests=wanted.all)
