"""Kernel settings that a node needs to route pod traffic."""

from pyinfra import host

from meshctl.operations import sysctls

sysctls.settings(name="Kernel settings", values=host.data.sysctls)
