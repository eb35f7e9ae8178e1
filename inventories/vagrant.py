"""The VMs of vagrant/Vagrantfile: `pyinfra inventories/vagrant.py deploys/routes.py --dry`."""

from meshctl.providers.inventory import hosts

nodes = hosts("vagrant")
