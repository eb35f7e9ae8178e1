"""IstioOperator files, as one would give them to istioctl on the control-plane node."""

from pyinfra import host

from meshctl.operations import files

files.texts(name="IstioOperator files", files=host.data.istio_files)
