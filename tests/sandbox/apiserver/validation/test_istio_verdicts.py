"""Istio's objects meet the same verdicts here as at a real API server with istiod's webhook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from meshctl.sandbox.apiserver.validation import admission, crd
from meshctl.sandbox.apiserver.validation.cause import summary
from meshctl.sandbox.apiserver.validation.istio.crds import istio_crds
from meshctl.sandbox.apiserver.validation.istio.webhook import judge
from tests.sandbox.apiserver.validation.recorded import texts, verdicts

Answer = tuple[int, str | None, Sequence[str]]
ENTRIES = [pytest.param(entry, id=entry["name"]) for entry in verdicts()]


def schema_answer(obj: dict[str, Any], field_validation: str) -> tuple[Answer, dict[str, Any]]:
    group, _, version = obj["apiVersion"].rpartition("/")
    kind, name = obj["kind"], obj["metadata"]["name"]
    definition = next(each for each in istio_crds() if each["spec"]["names"]["kind"] == kind)
    if version not in [each["name"] for each in definition["spec"]["versions"]]:
        return (404, "404 page not found", ()), {}
    pruned, unknown = crd.prune(definition, version, obj)
    faults = [f'unknown field "{path}"' for path in unknown]
    if faults and field_validation == "Strict":
        about = f'{kind} in version "{version}" cannot be handled as a {kind}'
        return (400, f"{about}: strict decoding error: {', '.join(faults)}", ()), {}
    warnings = faults if field_validation == "Warn" else []
    kept = crd.default(definition, version, pruned)
    causes = crd.validate(definition, version, kept)
    if causes:
        return (422, f'{kind}.{group} "{name}" is invalid: {summary(causes)}', warnings), {}
    return (201, None, warnings), kept


def admitted(obj: dict[str, Any], field_validation: str) -> Answer:
    (status, message, warnings), kept = schema_answer(obj, field_validation)
    if status != 201:
        return status, message, warnings
    denied, more = admission.review(kept, None, "CREATE")
    return (400, denied, warnings) if denied else (201, None, [*warnings, *more])


def in_any_order(message: str | None) -> list[str]:
    """Siblings come in a random order from the original."""
    return sorted((message or "").removesuffix("]").replace("[", ", ").split(", "))


@pytest.mark.parametrize("entry", ENTRIES)
def test_schema(entry: dict[str, Any]) -> None:
    recorded = entry["apiserver"]
    (status, message, warnings), kept = schema_answer(entry["object"], entry["fieldValidation"])
    assert status == recorded["status"]
    assert in_any_order(message) in [in_any_order(text) for text in texts(recorded)]
    assert list(warnings) == recorded.get("warnings", [])
    if "storedSpec" in recorded and status == 201:
        assert kept["spec"] == recorded["storedSpec"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_webhook(entry: dict[str, Any]) -> None:
    recorded = entry["webhook"]
    verdict = judge(entry["object"])
    refused = not recorded["allowed"] or "verdictVaries" in recorded
    assert (verdict.message is not None) == refused
    assert verdict.message in texts(recorded)
    assert list(verdict.warnings) == recorded.get("warnings", [])


@pytest.mark.parametrize("entry", ENTRIES)
def test_both(entry: dict[str, Any]) -> None:
    recorded = entry["combined"]
    status, message, warnings = admitted(entry["object"], entry["fieldValidation"])
    if "verdictVaries" in entry["webhook"]:
        assert status == 400
        return
    assert (status, list(warnings)) == (recorded["status"], recorded.get("warnings", []))
    if "messageVariants" not in entry["webhook"]:
        assert in_any_order(message) == in_any_order(recorded.get("message"))
