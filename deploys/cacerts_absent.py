"""Without the Secret from which istiod takes its signing certificate."""

from pyinfra import host

from meshctl.operations import objects, secrets

wanted = secrets.signing(host.data.signing)
objects.absent(name="Signing certificates", access=host.data.kubernetes, manifests=wanted)
