"""Static routes to the pods and services of the clusters on the same network, live and over a reboot."""

from ipaddress import IPv4Network

from pyinfra import host

from meshctl.operations import routes, units
from meshctl.render.routes import UNIT
from meshctl.topology import Route

routes.static(
    name="Static routes",
    routes=[Route.parse(route) for route in host.data.routes],
    mesh_cidrs=[IPv4Network(cidr) for cidr in host.data.mesh_cidrs],
)
if host.data.routes_unit:
    units.enabled(name="Routes unit", unit=UNIT, content=host.data.routes_unit)
else:
    units.absent(name="Routes unit", unit=UNIT)
