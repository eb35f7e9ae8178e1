"""Every lab has words for all that it does, and they fit."""

from __future__ import annotations

import string
from importlib import resources

import pytest
import yaml

from meshctl.labs import text
from meshctl.labs.cast import cast
from meshctl.labs.catalog import LABS
from meshctl.labs.lab import Lab
from meshctl.validate import find_topology


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_acts_and_cues_have_their_words_and_no_others(lab: Lab) -> None:
    part = cast(find_topology(None, "classroom"))
    words = text.read(lab.name, part)
    assert list(words.acts) == [act.name for act in lab.acts(part)]
    assert all(act.why for act in words.acts.values())
    cues = lab.script(part).cues if lab.script else ()
    assert set(words.cues) == {cue.title for cue in cues}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_words_name_clusters_only_by_their_parts(lab: Lab) -> None:
    """A text that names cluster2 would be wrong in another topology."""
    part = cast(find_topology(None, "classroom"))
    raw = (resources.files("meshctl.labs") / "texts" / "en" / f"{lab.name}.yaml").read_text()
    used = {name for _, name, _, _ in string.Formatter().parse(raw) if name}
    assert used <= set(part.words)
    assert "cluster1" not in raw and "us-central" not in raw
    assert set(yaml.safe_load(raw)) <= {"title", "teaches", "acts", "cues"}


def test_a_language_that_is_missing_falls_back_to_english() -> None:
    assert text.read("failover", None, "tlh") == text.read("failover", None, "en")


def test_without_a_topology_clusters_are_called_by_their_parts() -> None:
    assert "sends to" in text.read("distribute", None).teaches
    assert "the local cluster" in text.read("distribute", None).teaches


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_manifests_are_built_from_the_topology(lab: Lab) -> None:
    """Nothing of one topology stands in another's rules; equal names mean equal objects."""
    seen: dict[str, object] = {}
    for act in lab.acts(cast(find_topology(None, "five-clusters"))):
        for item in act.rules:
            assert "us-central" not in repr(item) and "192.168.229" not in repr(item)
            assert seen.setdefault(item["metadata"]["name"], item) == item
