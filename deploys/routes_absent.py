"""No static route of ours, and no unit that brings one back."""

from meshctl.operations import routes, units

units.absent(name="Routes unit", unit="meshctl-routes.service")
routes.absent(name="Static routes")
