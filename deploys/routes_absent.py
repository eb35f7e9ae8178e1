"""No static route of ours, and no unit that brings one back."""

from meshctl.operations import routes, units
from meshctl.render.routes import UNIT

units.absent(name="Routes unit", unit=UNIT)
routes.absent(name="Static routes")
