from ipaddress import IPv4Network

import pytest

from meshctl.sandbox.kubelet import addresses

CIDR = IPv4Network("172.20.1.0/29")


def test_the_first_two_addresses_and_the_last_are_nobodys() -> None:
    used: set[str] = set()
    for _ in range(5):
        used.add(addresses.free(CIDR, used))
    assert used == {f"172.20.1.{number}" for number in range(2, 7)}
    with pytest.raises(ValueError, match=r"no address of 172\.20\.1\.0/29 is free"):
        addresses.free(CIDR, used)


def test_an_address_that_was_just_given_back_is_not_the_next_one() -> None:
    assert addresses.free(CIDR, set(), after="172.20.1.3") == "172.20.1.4"
    assert addresses.free(CIDR, {"172.20.1.5", "172.20.1.6"}, after="172.20.1.4") == "172.20.1.2"
