"""Hosts that exist, as topology.yaml describes them: `pyinfra inventories/ssh.py deploys/routes.py --dry`."""

from meshctl.providers.inventory import hosts

nodes = hosts("ssh")
