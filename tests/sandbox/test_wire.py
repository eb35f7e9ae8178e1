"""Values cross the control socket unharmed, and what is wrong with a message is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshctl.sandbox import wire
from meshctl.sandbox.wire import Fabric, Host, Mount, Pod, Program

VALUES = (
    Fabric("192.0.2.1/24", (Host("n1", "192.0.2.2"), Host("n2", "192.0.2.3", disk=64))),
    Pod("web-1", "n1", "172.20.0.5", "web"),
    Program("n1/sshd", ("sshd", "-D"), "n1", environment={"A": "b"}, mounts=(Mount("/a", "/b", read_only=False),)),
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value: Fabric | Pod | Program) -> None:
    kind: Any = type(value)
    assert wire.parse(kind, json.loads(json.dumps(wire.document(value)))) == value


@pytest.mark.parametrize(
    ("kind", "message", "complaint"),
    [
        (Host, [], r"Host: found \[\]; expected an object"),
        (Host, {"name": "n1", "adress": "x"}, "Host: adress unknown; expected address, disk, name"),
        (Host, {"name": "n1"}, "Host: .*missing.*'address'"),
        (Fabric, {"address": "192.0.2.1/24", "hosts": [{}]}, "Host: .*missing"),
    ],
)
def test_a_bad_message_is_explained(kind: type[Host], message: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        wire.parse(kind, message)
