"""Built-in and custom objects are refused here as by a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from meshctl.sandbox.apiserver import validation
from meshctl.sandbox.apiserver.validation import crd
from tests.sandbox.apiserver.validation.recorded import golden

RECORDED = golden("invalid")
# Addresses and node ports are given out, and refused, by the server's allocators.
ALLOCATED = ("failed to allocate IP", "provided port is not in the valid range")
ENTRIES = [
    pytest.param(entry, id=f"{entry['object']['kind']}-{at}")
    for at, entry in enumerate(RECORDED["entries"])
    if not any(text in cause for cause in entry.get("causes", ()) for text in ALLOCATED)
]


def definition_of(kind: str) -> dict[str, Any] | None:
    definitions = [RECORDED["crd"], *validation.istio_crds()]
    return next((each for each in definitions if each["spec"]["names"]["kind"] == kind), None)


def refusal(obj: dict[str, Any]) -> tuple[str | None, list[str]]:
    """The text of a 400, and the causes of a 422."""
    version = obj["apiVersion"].rpartition("/")[2]
    about = f'{obj["kind"]} in version "{version}" cannot be handled as a {obj["kind"]}'
    definition = definition_of(obj["kind"])
    try:
        if definition is None:
            unknown, kept = validation.unknown_fields(obj), validation.decoded(obj)
        else:
            kept, unknown = crd.prune(definition, version, obj)
    except validation.DecodeError as error:
        return f"{about}: {error}", []
    if unknown:
        fields = ", ".join(f'unknown field "{path}"' for path in unknown)
        return f"{about}: strict decoding error: {fields}", []
    if definition is None:
        causes = validation.validate(validation.default(kept))
    else:
        causes = crd.validate(definition, version, crd.default(definition, version, kept))
    return None, sorted({str(cause) for cause in causes})


@pytest.mark.parametrize("entry", ENTRIES)
def test_refused_in_the_same_words(entry: dict[str, Any]) -> None:
    assert refusal(entry["object"]) == (entry.get("error"), entry.get("causes", []))


@pytest.mark.parametrize("entry", golden("defaults"), ids=lambda entry: entry["given"]["kind"])
def test_filled_in_as_recorded(entry: dict[str, Any]) -> None:
    """What the original adds beyond this comes from its allocators and admission plugins."""
    given, stored = entry["given"], entry["stored"]
    mine = validation.default(validation.decoded(given))
    added = {("Pod", "priority"), ("Pod", "preemptionPolicy"), ("Pod", "tolerations"), ("Node", "taints")}
    added |= {("Service", name) for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")}
    spec = {name: value for name, value in stored.get("spec", {}).items() if (given["kind"], name) not in added}
    if given["kind"] != "Namespace":
        assert mine.get("spec", {}) == spec
    assert mine.get("type") == stored.get("type")
    assert mine.get("data") == stored.get("data")
    assert mine["metadata"].get("labels") == stored["metadata"].get("labels")
