"""IstioOperator files on clusters that are not the sandbox's: Istio's own installer applies them."""

from __future__ import annotations

import shlex
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import operation

from meshctl.errors import UsageError
from meshctl.facts.istioctl import Applied, Istioctl
from meshctl.operations.change import Change


@operation()
def installed(file: str | None) -> Generator[Change, None, None]:
    """
    The node's cluster has what an IstioOperator file asks for.

    + file: path of the file on the node; None where there is nothing to do
    """
    if file is None:
        return
    _require_istioctl()
    if host.get_fact(Applied, file=file):
        host.noop(f"{file} is applied")
        return
    yield Change(f"istioctl install -y -f {shlex.quote(file)}", f"~ istioctl install -f {file}")


@operation()
def absent(file: str | None) -> Generator[Change, None, None]:
    """
    The node's cluster has nothing of what an IstioOperator file asks for.

    + file: path of the file on the node; None where there is nothing to do
    """
    if file is None:
        return
    _require_istioctl()
    quoted = shlex.quote(file)
    # `istioctl uninstall -f` leaves gateways behind in 1.11, and more than one file asks for in later versions.
    yield Change(
        f"istioctl manifest generate -f {quoted} | kubectl delete --ignore-not-found -f -", f"- objects of {file}"
    )


def _require_istioctl() -> None:
    if host.get_fact(Istioctl) is None:
        raise UsageError(f"{host.name}: istioctl is not on the PATH; install the version of the topology there")
