"""Static routes to the pods and services of the clusters on the same network, live and over a reboot."""

from ipaddress import IPv4Network

from pyinfra import host

from meshctl.operations import neighbours, routes, units
from meshctl.render.routes import UNIT, unit

wanted = neighbours.routes(host.data.neighbours)
mesh_cidrs = [IPv4Network(cidr) for cidr in host.data.mesh_cidrs]
routes.static(name="Static routes", routes=wanted, mesh_cidrs=mesh_cidrs)
if wanted:
    units.enabled(name="Routes unit", unit=UNIT, content=unit(host.data.topology, wanted))
else:
    units.absent(name="Routes unit", unit=UNIT)
