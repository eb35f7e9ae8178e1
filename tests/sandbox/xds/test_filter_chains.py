from __future__ import annotations

from meshctl.sandbox.xds.filter_chains import distinct
from meshctl.sandbox.xds.message import Json


def chain(name: str, **match: object) -> Json:
    return {"name": name, "filter_chain_match": match} if match else {"name": name}


def test_what_an_earlier_chain_matches_is_left_out() -> None:
    found = distinct(
        [
            chain("first", server_names=["a", "b"]),
            chain("second", server_names=["b", "c"]),
            chain("third", server_names=["a"]),
            chain("other", server_names=["a"], application_protocols=["istio"]),
            chain("any"),
            chain("again"),
        ]
    )
    assert [(one["name"], one.get("filter_chain_match", {}).get("server_names")) for one in found] == [
        ("first", ["a", "b"]),
        ("second", ["c"]),
        ("other", ["a"]),
        ("any", None),
    ]
