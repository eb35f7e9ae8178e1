from __future__ import annotations

import pytest

from meshctl.sandbox.xds import routes
from tests.sandbox.xds import listener_recordings as recordings
from tests.sandbox.xds.listener_recordings import assemble, member


@pytest.mark.parametrize("proxy", recordings.RECORDED)
def test_base_is_what_istiod_sends(proxy: str) -> None:
    assert routes.build(assemble(), member(proxy)) == recordings.recorded(proxy, "routes")


@pytest.mark.parametrize("lab", recordings.labs())
def test_each_lab_changes_what_istiod_changes(lab: str) -> None:
    recorded = recordings.read("labs_listeners.json.gz")[lab]
    before, after = assemble(), assemble(*recorded["objects"])
    for change in recorded["changes"]:
        for name in change["proxies"]:
            old, new = (routes.build(mesh, member(name)) for mesh in (before, after))
            changed = {key: new.get(key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
            assert changed == recordings.plain(change.get("routes", {})), name
