from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from meshctl.sandbox.xds import listeners
from meshctl.sandbox.xds.message import Json
from tests.sandbox.xds import listener_recordings as recordings
from tests.sandbox.xds.listener_recordings import assemble, canonical, member


@pytest.mark.parametrize("proxy", recordings.RECORDED)
def test_base_is_what_istiod_sends(proxy: str) -> None:
    expected = recordings.recorded(proxy, "listeners")
    built = listeners.build(assemble(), member(proxy))
    assert built.keys() == expected.keys()
    for name, listener in expected.items():
        assert canonical(built[name]) == canonical(listener), name


@pytest.mark.parametrize("lab", recordings.labs())
def test_each_lab_changes_what_istiod_changes(lab: str) -> None:
    recorded = recordings.read("labs_listeners.json.gz")[lab]
    before, after = assemble(), assemble(*recorded["objects"])
    for change in recorded["changes"]:
        expected = recordings.plain(change.get("listeners", {}))
        for name in change["proxies"]:
            old, new = (listeners.build(mesh, member(name)) for mesh in (before, after))
            assert _changes(old, new) == {key: _recorded(value) for key, value in expected.items()}, name


def _changes(old: dict[str, Json], new: dict[str, Json]) -> Json:
    """As the labs record it: new listeners whole, of others the chains that changed or went."""
    changed = (name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return {name: _change(old.get(name), new.get(name)) for name in changed}


def _change(old: Json | None, new: Json | None) -> Any:
    if old is None or new is None:
        return new if new is None else canonical(new)
    before, after = _by_match(old["filter_chains"]), _by_match(new["filter_chains"])
    return {
        "changed": {match: chain for match, chain in after.items() if before.get(match) != chain},
        "gone": len(before.keys() - after.keys()),
    }


def _recorded(change: Any) -> Any:
    if change is None or "filter_chains_changed" not in change:
        return change if change is None else canonical(change)
    return {
        "changed": _by_match(change["filter_chains_changed"]),
        "gone": len(change["filter_chains_gone"]),
    }


def _by_match(chains: Sequence[Json]) -> dict[str, Json]:
    return {str(sorted(chain.get("filter_chain_match", {}).items())): chain for chain in chains}
