"""Labels that istioctl puts on what it installs."""

from __future__ import annotations

from meshctl.render.install.installation import REVISION

RELEASE = {"release": "istio"}


def owned(component: str) -> dict[str, str]:
    """Those of an object of a component: Pilot, IngressGateways, EgressGateways."""
    return {
        "install.operator.istio.io/owning-resource": "unknown",
        "istio.io/rev": REVISION,
        "operator.istio.io/component": component,
    }
