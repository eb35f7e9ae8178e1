"""Kernel settings as they were before."""

from meshctl.operations import sysctls

sysctls.restored(name="Kernel settings")
