"""The Secret from which istiod takes its signing certificate."""

from pyinfra import host

from meshctl.operations import objects, secrets

wanted = secrets.signing(host.data.signing)
objects.applied(name="Signing certificates", access=host.data.kubernetes, manifests=wanted)
