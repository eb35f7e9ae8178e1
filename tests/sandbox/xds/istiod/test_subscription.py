"""The delta protocol: what a proxy lacks is due, once."""

from __future__ import annotations

from meshctl.sandbox.xds.istiod.messages import Resource
from meshctl.sandbox.xds.istiod.subscription import Subscription


def one(name: str, version: str = "1") -> Resource:
    return Resource(name, version, b"", {})


def known(*resources: Resource) -> dict[str, Resource]:
    return {resource.name: resource for resource in resources}


def names(subscription: Subscription, resources: dict[str, Resource]) -> tuple[list[str], tuple[str, ...]]:
    due = subscription.due(resources)
    subscription.give(due, "n")
    return [resource.name for resource in due.resources], due.removed


def test_wildcard_gets_all_then_only_what_changed() -> None:
    asked = Subscription()
    asked.ask((), (), {})
    assert names(asked, known(one("a"), one("b"))) == (["a", "b"], ())
    assert not asked.due(known(one("a"), one("b")))
    assert names(asked, known(one("a", "2"))) == (["a"], ("b",))


def test_wildcard_without_resources_is_answered_once() -> None:
    asked = Subscription()
    asked.ask((), (), {})
    assert asked.due({})
    asked.give(asked.due({}), "n")
    assert not asked.due({})


def test_reconnected_gets_what_it_lacks() -> None:
    asked = Subscription()
    asked.ask((), (), {"a": "1", "b": "1", "gone": "1"})
    assert names(asked, known(one("a"), one("b", "2"))) == (["b"], ("gone",))


def test_names_asked_for_anew_are_sent_anew() -> None:
    asked = Subscription()
    asked.ask(["a"], (), {})
    assert names(asked, known(one("a"), one("b"))) == (["a"], ())
    asked.ask(["a"], (), {})
    assert names(asked, known(one("a"))) == (["a"], ())


def test_absent_name_is_told_once_and_sent_when_it_comes() -> None:
    asked = Subscription()
    asked.ask(["a"], (), {})
    assert names(asked, {}) == ([], ("a",))
    assert not asked.due({})
    assert names(asked, known(one("a"))) == (["a"], ())


def test_unsubscribed_is_neither_sent_nor_removed() -> None:
    asked = Subscription()
    asked.ask(["a", "b"], (), {})
    names(asked, known(one("a"), one("b")))
    asked.ask((), ["a"], {})
    assert not asked.due(known(one("a", "2"), one("b")))


def test_states_follow_answers() -> None:
    asked = Subscription()
    asked.ask((), (), {})
    assert asked.state == "NOT SENT"
    asked.give(asked.due(known(one("a"))), "1")
    assert asked.state == "STALE"
    asked.answer("1", "bad cluster")
    assert (asked.state, asked.error) == ("ERROR", "bad cluster")
    asked.give(asked.due(known(one("a", "2"))), "2")
    asked.answer("1", "")
    assert asked.state == "ERROR"
    asked.answer("2", "")
    assert asked.state == "SYNCED"
