"""The Secrets through which the primary's istiod reads the remote clusters."""

from pyinfra import host

from meshctl.operations import objects, secrets

wanted = secrets.remote(host.data.remotes)
objects.applied(name="Remote secrets", access=host.data.kubernetes, manifests=wanted)
