"""The sandbox's hosts. As root: `pyinfra inventories/sandbox.py deploys/routes.py --dry`."""

from meshctl.providers.inventory import sandbox_hosts

nodes = sandbox_hosts()
