"""Without what `istio.py` makes."""

from pyinfra import host

from meshctl.operations import installations, objects

wanted = installations.wanted(host.data.installs["istio"])
objects.absent(name="Control plane", access=host.data.kubernetes, manifests=wanted.all)
