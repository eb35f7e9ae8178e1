"""Without what `eastwest_remotes.py` makes."""

from pyinfra import host

from meshctl.operations import installations, objects

wanted = installations.wanted(host.data.installs["eastwest-remotes"])
objects.absent(name="East-west gateway", access=host.data.kubernetes, manifests=wanted.all)
