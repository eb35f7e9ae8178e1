"""The port at which people find the web page stays, wherever it leads."""

from __future__ import annotations

from typing import Any, cast

from meshctl.errors import UsageError
from meshctl.sandbox import entrance
from meshctl.sandbox.control import Control


class Supervisor:
    """Keeps forwards as the supervisor does; ports in `taken` are somebody else's."""

    def __init__(self, *taken: int) -> None:
        self.taken = set(taken)
        self.forwards: dict[tuple[str, int], int] = {}

    def status(self) -> dict[str, Any]:
        listed = [{"port": port, "address": a, "to": to} for (a, to), port in self.forwards.items()]
        return {"forwards": listed}

    def forward(self, address: str, port: int, listen: int = 0) -> int:
        if listen in self.taken:
            raise UsageError("taken")
        self.forwards[address, port] = listen or 40000
        return self.forwards[address, port]

    def unforward(self, address: str, port: int) -> dict[str, Any]:
        return {"changed": self.forwards.pop((address, port), None) is not None}


def lead(supervisor: Supervisor, address: str, port: int) -> int:
    return entrance.lead(cast(Control, supervisor), address, port)


def test_it_is_8080_or_the_next_free_port() -> None:
    assert lead(Supervisor(), "192.168.229.137", 31000) == 8080
    assert lead(Supervisor(8080, 8081), "192.168.229.137", 31000) == 8082
    assert lead(Supervisor(*range(8080, 8100)), "192.168.229.137", 31000) == 40000


def test_it_stays_when_the_gateway_moves() -> None:
    supervisor = Supervisor(8080)
    assert lead(supervisor, "192.168.229.137", 31000) == 8081
    supervisor.taken.clear()
    assert lead(supervisor, "192.168.229.138", 31000) == 8081
    assert supervisor.forwards == {("192.168.229.138", 31000): 8081}


def test_other_forwards_are_left_alone() -> None:
    supervisor = Supervisor()
    supervisor.forwards["192.168.229.137", 6443] = 41234
    assert lead(supervisor, "192.168.229.137", 31000) == 8080
    assert supervisor.forwards["192.168.229.137", 6443] == 41234
