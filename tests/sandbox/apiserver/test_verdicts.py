"""409 Istio objects sent to the running server are taken, refused and warned about as by the original."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sandbox.apiserver.conversation.stage import Stage, collection
from tests.sandbox.apiserver.validation.recorded import texts, verdicts
from tests.sandbox.apiserver.validation.test_istio_verdicts import in_any_order

ENTRIES = [pytest.param(entry, id=entry["name"]) for entry in verdicts()]
WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_object_is_taken_or_refused_in_the_originals_words(mesh: Stage, entry: dict[str, Any]) -> None:
    obj, recorded = entry["object"], entry["combined"]
    namespace = obj["metadata"].setdefault("namespace", "default")
    mesh.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    where = f"{collection(obj)}?dryRun=All&fieldValidation={entry['fieldValidation']}"
    answer = mesh.admin.raw("POST", where, json.dumps(obj), Content_Type="application/json")
    if "verdictVaries" in entry["webhook"]:
        assert answer.status == 400
        return
    assert answer.status == recorded["status"]
    warnings = [re.sub(r"\\(.)", r"\1", text) for text in WARNING.findall(answer.headers.get("Warning", ""))]
    assert warnings == recorded.get("warnings", [])
    if recorded["status"] != 201 and "messageVariants" not in entry["webhook"]:
        body = json.loads(answer.data) if answer.data[:1] == b"{" else {"message": answer.data.decode().strip()}
        assert in_any_order(body["message"]) in [in_any_order(text) for text in texts(recorded)]
