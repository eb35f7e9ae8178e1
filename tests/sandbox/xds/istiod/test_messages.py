"""Everything that the labs are translated to is protobuf of the installed Envoy's types."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from meshctl.sandbox.xds.istiod import descriptors, translation
from meshctl.sandbox.xds.istiod.change import Change
from meshctl.sandbox.xds.istiod.messages import CLUSTER, Catalogue, Messages, Resource
from meshctl.sandbox.xds.istiod.settings import parse
from tests.sandbox.xds import recordings

NAMES = (recordings.SIDECAR, recordings.INGRESS, recordings.EAST_WEST, "cluster1/istio/details-v1")


@pytest.fixture(scope="module")
def messages() -> Messages:
    return Messages(descriptors.pool(parse([], {}).envoy))


def test_every_lab_is_of_envoys_types(messages: Messages) -> None:
    catalogue = Catalogue(messages)
    for lab in recordings.read("labs.json.gz").values():
        work = translation.translation(recordings.with_objects(*lab["objects"]))
        for name in NAMES:
            for part in work.of(recordings.member(name)):
                for url, found in part.found.items():
                    assert set(catalogue.take(url, found, {})) == set(found)
    assert len(catalogue) > 300


def test_unknown_field_is_named(messages: Messages) -> None:
    with pytest.raises(json_format.ParseError, match="nmae"):
        messages.resource(CLUSTER, "a", {"nmae": "a"})


def test_what_is_not_of_its_type_stays_as_it_was(messages: Messages) -> None:
    catalogue = Catalogue(messages)
    before = catalogue.take(CLUSTER, {"a": {"name": "a"}, "b": {"name": "b"}}, {})
    found: dict[str, dict[str, Any]] = {
        "a": {"name": "a", "typo": 1},
        "b": {"name": "b", "lb_policy": "RANDOM"},
        "c": {"typo": 1},
    }
    after = catalogue.take(CLUSTER, found, before)
    assert after.keys() == {"a", "b"}
    assert after["a"] is before["a"]
    assert after["b"].version != before["b"].version


def test_version_is_that_of_the_content(messages: Messages) -> None:
    one, same, other = (messages.resource(CLUSTER, "a", {"name": name}) for name in ("a", "a", "b"))
    assert one.version == same.version != other.version


def test_a_rules_change_gives_what_a_whole_translation_gives(messages: Messages) -> None:
    """Each lab's DestinationRules applied to what was there before, only where they count."""
    catalogue = Catalogue(messages)
    before = translation.translation(recordings.base())
    have = {name: _applied(catalogue, before, name, {}) for name in NAMES}
    for title, lab in recordings.read("labs.json.gz").items():
        rules = [item for item in lab["objects"] if item["kind"] == "DestinationRule"]
        if len(rules) != len(lab["objects"]):
            continue
        after = recordings.with_objects(*rules)
        change = translation.translation(after, _change(rules), recordings.base())
        whole = translation.translation(after)
        for name in NAMES:
            changed = _applied(catalogue, change, name, have[name])
            assert _versions(changed) == _versions(_applied(catalogue, whole, name, {})), (title, name)


@pytest.mark.parametrize(
    "policy",
    [
        {"connectionPool": {"tcp": {"maxConnections": 7}}},
        {"connectionPool": {"tcp": {"idleTimeout": "9s"}}},
        {"loadBalancer": {"consistentHash": {"httpHeaderName": "a"}}},
        {"tls": {"mode": "DISABLE"}},
    ],
)
def test_a_changed_rule_gives_what_a_whole_translation_gives(messages: Messages, policy: recordings.Json) -> None:
    """Also for a rule that another one hides: when the other goes, what this one says of listeners counts."""
    hidden = {"trafficPolicy": {"connectionPool": {"tcp": {"idleTimeout": "3s"}}}}
    host = "istiod.istio-system.svc.cluster.local"
    first = recordings.rule({"host": host, "subsets": [{"name": "v1", "labels": {"a": "b"}}]}, "a")
    second = recordings.rule({**first["spec"], "trafficPolicy": policy}, "a")
    root = recordings.rule({"host": host, **hidden}, "root", "istio-system")
    for others in ((), (root,)):
        before, after = (recordings.with_objects(rule, *others) for rule in (first, second))
        for old, new, one, two in (
            (before, after, first, second),
            (after, recordings.with_objects(*others), second, None),
        ):
            change = Change()
            change.note_rule(one, two)
            catalogue = Catalogue(messages)
            for name in NAMES:
                have = _applied(catalogue, translation.translation(old), name, {})
                changed = _applied(catalogue, translation.translation(new, change, old), name, have)
                assert _versions(changed) == _versions(_applied(catalogue, translation.translation(new), name, {})), (
                    name
                )


def _change(rules: list[recordings.Json]) -> Change:
    change = Change()
    for rule in rules:
        change.note_rule(None, rule)
    return change


def _applied(
    catalogue: Catalogue, work: translation.Translation, name: str, have: dict[str, dict[str, Resource]]
) -> dict[str, dict[str, Resource]]:
    updated = dict(have)
    for part in work.of(recordings.member(name)):
        for url, found in part.found.items():
            new = catalogue.take(url, found, updated.get(url, {}))
            updated[url] = new if part.hosts is None else translation.merged(updated.get(url, {}), new, part.hosts)
    return updated


def _versions(found: dict[str, dict[str, Resource]]) -> dict[tuple[str, str], str]:
    return {(url, name): one.version for url, named in found.items() for name, one in named.items()}
