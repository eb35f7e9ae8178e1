"""Moving a mesh from one act's state to the next, and waiting until every proxy concerned shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from meshctl.labs import journal
from meshctl.labs.environment import LABEL, Environment
from meshctl.labs.expectation import Tables
from meshctl.labs.forecast import Forecast, forecast
from meshctl.labs.lab import Act, Load
from meshctl.labs.view import Seen, View, caller, groups
from meshctl.predict.flow import fqdn
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest

POLL = 0.2
# After an outage a proxy hears of its control plane again when TCP tries once more, which takes two minutes at most.
CONFIGURED_SECONDS, EJECTED_SECONDS = 180.0, 60.0
# Envoy's update_merge_window: a second ejection within it reaches the load balancer when it closes.
MERGE_WINDOW = 1.1
PROBE = 8
Report = Callable[[str], None]


class Stage:
    """The mesh while a lab runs: what of the lab's is in it now."""

    def __init__(self, env: Environment, lab: str, report: Report) -> None:
        self._env = env
        self._lab = lab
        self._report = report
        self._rules: dict[str, Manifest] = {}
        self._outages: tuple[Outage, ...] = ()
        self.notes: list[str] = []

    def enter(self, act: Act) -> Forecast:
        """Bring the act's state about; the forecast for it. Refused if the API server refuses a rule."""
        self.notes = []
        self._heal([outage for outage in self._outages if outage not in act.outages], act.outages)
        self._apply(act.rules)
        self._fail(act.outages)
        found = self.forecast(act)
        self._await_tables(act, found)
        if self._lingering(act, found):
            self._forget(act, found)
        return found

    def change(self, outages: tuple[Outage, ...]) -> None:
        """Go over to other outages, whatever the proxies make of it."""
        self._heal([outage for outage in self._outages if outage not in outages], outages)
        self._fail(outages)

    def forecast(self, act: Act) -> Forecast:
        """What the model says of the act with the pods that run now."""
        return forecast(self._env.topology, self._env.pods(), act.rules, act.outages)

    def provoke(self, act: Act, found: Forecast) -> int:
        """Send requests until what must be ejected is; how many it took."""
        begun, sent = self._env.now(), 0
        probe = Load(act.load.path, PROBE, PROBE, act.load.timeout)
        while self._missing_ejections(act, found) and self._env.now() - begun < EJECTED_SECONDS:
            self._report("provoking ejections")
            self._env.measure(probe)
            sent += PROBE
        if sent:
            self._env.pause(MERGE_WINDOW)
        return sent

    def tables(self, act: Act, found: Forecast) -> Tables:
        """What the callers' proxies, and the gateways behind them, hold now."""
        return {
            (view, service): self._env.seen(view, service)
            for service in services(act)
            for view in self._views(found, service)
        }

    def _views(self, found: Forecast, service: str) -> list[View]:
        first = caller(service, found.local)
        return [first, *found.behind(first, service)]

    def _heal(self, gone: Sequence[Outage], left: tuple[Outage, ...]) -> None:
        for outage in gone:
            self._report(f"healing {journal.words(outage)}")
            self._env.heal(outage)
        if gone:
            self._outages = tuple(outage for outage in self._outages if outage in left)
            journal.note(self._env, self._lab, self._outages)

    def _apply(self, rules: Sequence[Manifest]) -> None:
        wanted = {_key(item): item for item in rules}
        for key in [key for key in self._rules if key not in wanted]:
            self._env.delete(self._rules.pop(key))
        for key, item in wanted.items():
            if key not in self._rules:
                self._report(f"applying {key}")
                self._env.apply(journal.labelled(self._lab, item))
                self._rules[key] = item

    def _fail(self, outages: tuple[Outage, ...]) -> None:
        fresh = [outage for outage in outages if outage not in self._outages]
        if fresh:
            # Written down first: if this run is killed now, the next one knows what to heal.
            journal.note(self._env, self._lab, outages)
        for outage in fresh:
            self._report(f"outage: {journal.words(outage)}")
            self._env.fail(outage)
        self._outages = outages

    def _await_tables(self, act: Act, found: Forecast) -> None:
        begun = self._env.now()
        while late := self._late(act, found):
            names = ", ".join(late)
            self._report(f"waiting for the configuration of {names}")
            if self._env.now() - begun > CONFIGURED_SECONDS:
                self.notes.append(f"without the expected configuration after {CONFIGURED_SECONDS:.0f} s: {names}")
                return
            self._env.pause(POLL)

    def _late(self, act: Act, found: Forecast) -> list[str]:
        """The proxies that have not yet what they should, or views of which none answers."""
        rules = {item["spec"]["host"].partition(".")[0]: item["metadata"]["name"] for item in _rules(act)}
        late: list[str] = []
        for (view, service), proxies in self.tables(act, found).items():
            wrong = [name for name, seen in proxies.items() if not _has(seen, found, view, service, rules)]
            late += wrong if proxies else [str(view)]
        return sorted(set(late))

    def _lingering(self, act: Act, found: Forecast) -> list[str]:
        """Hosts that are ejected from an act before, though this one's forecast ejects them not."""
        return sorted(
            {
                address
                for (view, service), proxies in self.tables(act, found).items()
                for seen in proxies.values()
                for address in seen.ejected - set(found.hop(view, service).ejected)
            }
        )

    def _missing_ejections(self, act: Act, found: Forecast) -> bool:
        return any(
            set(found.hop(view, service).ejected) - seen.ejected
            for (view, service), proxies in self.tables(act, found).items()
            for seen in proxies.values()
        )

    def _forget(self, act: Act, found: Forecast) -> None:
        """Take the rules away and apply them again: Envoy builds the clusters anew, with no host ejected."""
        names = ", ".join(self._lingering(act, found))
        self.notes.append(
            f"{names} was still ejected from before; the rules were taken away and applied again, which makes Envoy "
            "forget, instead of waiting for the ejection time"
        )
        bare = Act(act.name, act.expectations, (), act.outages, act.load)
        self._apply(())
        self._await_tables(bare, self.forecast(bare))
        self._apply(act.rules)
        self._await_tables(act, found)

    def clear(self) -> list[str]:
        """Leave nothing of the lab."""
        self._rules, self._outages = {}, ()
        return journal.clear(self._env)


def services(act: Act) -> list[str]:
    """The services that an act is about."""
    return list(dict.fromkeys(expectation.service for expectation in act.expectations))


def check_foreign(env: Environment, acts: Sequence[Act]) -> list[str]:
    """DestinationRules of somebody else for the hosts that the acts are about: the two would mix."""
    hosts = {_target(item) for act in acts for item in _rules(act)}
    hosts |= {fqdn(service) for act in acts for service in services(act)}
    return [
        f"DestinationRule {item['metadata']['namespace']}/{item['metadata']['name']} is for {item['spec']['host']} too "
        "and no lab's; it would mix with the lab's rule: delete it first"
        for item in env.objects("DestinationRule")
        if _target(item) in hosts and LABEL not in (item["metadata"].get("labels") or {})
    ]


def _target(item: Manifest) -> str:
    """The full name of a rule's host."""
    host = str(item["spec"].get("host", ""))
    return host if "." in host else f"{host}.{item['metadata']['namespace']}.svc.cluster.local"


def _rules(act: Act) -> list[Manifest]:
    return [item for item in act.rules if item["kind"] == "DestinationRule"]


def _has(seen: Seen, found: Forecast, view: View, service: str, rules: Mapping[str, str]) -> bool:
    hop = found.hop(view, service)
    return seen.rule == rules.get(service, "") and groups(seen.table) == groups(hop.table)


def _key(item: Manifest) -> str:
    return f"{item['kind']} {item['metadata']['name']}"
