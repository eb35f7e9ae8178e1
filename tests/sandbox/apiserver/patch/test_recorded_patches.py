import json
from typing import Any

import pytest

from meshctl.sandbox.apiserver.patch import PatchRefused, json_patch, merge_patch, strategic
from meshctl.sandbox.apiserver.patch.schema import builtin
from tests.sandbox.apiserver.patch.golden import golden

RECORDED = golden("patches")


def check_unchanged(case: dict[str, Any], apply: Any) -> Any:
    before = json.dumps(case)
    try:
        return apply()
    finally:
        assert json.dumps(case) == before, "a patch must leave its input alone"


@pytest.mark.parametrize("case", RECORDED["strategic"])
def test_strategic_merge_patches_give_what_kubernetes_gives(case: dict[str, Any]) -> None:
    schema = builtin(case["apiVersion"], case["kind"])
    assert schema is not None
    if "error" not in case:
        assert check_unchanged(case, lambda: strategic(case["doc"], case["patch"], schema)) == case["result"]
        return
    with pytest.raises(PatchRefused) as refused:
        check_unchanged(case, lambda: strategic(case["doc"], case["patch"], schema))
    assert refused.value.code == 422 or refused.value.message == case["error"]


@pytest.mark.parametrize("case", RECORDED["json"])
def test_json_patches_give_what_kubernetes_gives(case: dict[str, Any]) -> None:
    if "error" not in case:
        assert check_unchanged(case, lambda: json_patch(case["doc"], case["patch"])) == case["result"]
        return
    with pytest.raises(PatchRefused) as refused:
        check_unchanged(case, lambda: json_patch(case["doc"], case["patch"]))
    assert refused.value.code == 422


@pytest.mark.parametrize("case", RECORDED["merge"])
def test_merge_patches_give_what_kubernetes_gives(case: dict[str, Any]) -> None:
    assert check_unchanged(case, lambda: merge_patch(case["doc"], case["patch"])) == case["result"]
