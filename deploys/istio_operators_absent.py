"""Without the IstioOperator files."""

from pyinfra import host

from meshctl.operations import files

files.absent(name="IstioOperator files", files=host.data.istio_files)
