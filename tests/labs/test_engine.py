"""The engine against a made-up mesh that does what the model says, and against meshes that do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from meshctl.errors import Refused, UsageError
from meshctl.labs import engine, journal
from meshctl.labs.cast import cast
from meshctl.labs.catalog import LABS, find
from meshctl.labs.engine import Options, Result
from meshctl.labs.environment import LABEL
from meshctl.labs.evidence import Verdict
from meshctl.labs.lab import Lab, Load
from meshctl.mesh.traffic import Shares
from meshctl.predict.outage import Outage
from meshctl.render.manifest import Manifest, manifest
from meshctl.topology import Topology
from meshctl.validate import find_topology
from tests.labs.fake import FakeMesh


@pytest.fixture(scope="module")
def classroom() -> Topology:
    return find_topology(None, "classroom")


def play(name: str, mesh: FakeMesh, *acts: str, requests: int = 0, keep: bool = False) -> list[Result]:
    return list(engine.run(find([name])[0], mesh, Options(requests, keep, acts), lambda _: None))


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
@pytest.mark.parametrize("preset", ["classroom", "five-clusters"])
def test_every_act_passes_on_a_mesh_that_does_what_the_model_says(lab: Lab, preset: str) -> None:
    mesh = FakeMesh(find_topology(None, preset))
    wrong = [
        f"{result.act.name}: {finding}"
        for result in engine.run(lab, mesh, Options(), lambda _: None)
        for finding in result.findings
        if finding.verdict is not Verdict.passed
    ]
    assert not wrong


@pytest.mark.parametrize("seed", range(10))
def test_a_share_that_is_five_points_off_fails(classroom: Topology, seed: int) -> None:
    # Of 100 % for cluster3, 7.5 % go to any of three pods: 95 % are left.
    (result,) = play("distribute", FakeMesh(classroom, seed, shift=0.075), "own-pods")
    assert result.verdict is Verdict.failed
    assert any("instead of 100.0%" in text for text in result.surprises)


def test_a_rule_of_55_to_45_does_not_pass_for_50_to_50(classroom: Topology) -> None:
    class Uneven(FakeMesh):
        def apply(self, manifest: Manifest) -> None:
            uneven = yaml.safe_dump(manifest).replace("us-central3/z3/*: 50", "us-central3/z3/*: 55")
            super().apply(yaml.safe_load(uneven.replace("us-central2/z2/*: 50", "us-central2/z2/*: 45")))

    (result,) = play("distribute-2", Uneven(classroom), "course")
    verdicts = {finding.name: finding.verdict for finding in result.findings}
    assert verdicts["endpoint tables of productpage"] is Verdict.failed
    assert verdicts["endpoints chosen by the ingress gateway"] is Verdict.failed


def test_nothing_of_a_lab_is_left_behind(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    play("failover", mesh)
    assert (mesh.objects_, mesh.failed) == ({}, [])


def test_keep_leaves_the_last_act_marked_as_the_labs_own(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    play("failover", mesh, "both-gone", keep=True)
    assert {item["metadata"]["labels"][LABEL] for item in mesh.objects_.values()} == {"failover"}
    assert journal.running(mesh) == "failover"
    assert sorted(map(journal.words, journal.noted(mesh))) == ["cluster2", "gone/productpage@cluster1"]


@pytest.mark.parametrize("step", range(60))
def test_whatever_the_instant_of_its_death_the_next_run_copes(classroom: Topology, step: int) -> None:
    """A mesh dies with SystemExit at its n-th change, which nobody clears up after."""
    mesh = Mortal(classroom, dies_at=step)
    with pytest.raises((Killed, StopIteration)):
        for _ in engine.run(
            find(["failover"])[0], mesh, Options(acts=("course-both-gone", "both-gone")), lambda _: None
        ):
            pass
        raise StopIteration
    mesh.dies_at = None
    assert all(result.passed for result in play("distribute", mesh, "own-pods"))
    assert (mesh.objects_, mesh.failed) == ({}, [])


class Killed(BaseException):
    """As SIGKILL: nothing runs after it."""


class Mortal(FakeMesh):
    """A mesh whose changes end in death from the n-th on, each half of the time after it was made."""

    def __init__(self, topology: Topology, dies_at: int | None) -> None:
        super().__init__(topology)
        self.changes = 0
        self.dies_at = dies_at

    def _change(self, work: Callable[[Any], None], thing: object) -> None:
        number, self.changes = self.changes, self.changes + 1
        last = math.inf if self.dies_at is None else self.dies_at // 2
        if number < last or (number == last and self.dies_at and self.dies_at % 2):
            work(thing)
        if number >= last:
            raise Killed

    def apply(self, manifest: Manifest) -> None:
        self._change(super().apply, manifest)

    def delete(self, manifest: Manifest) -> None:
        self._change(super().delete, manifest)

    def fail(self, outage: Outage) -> None:
        self._change(super().fail, outage)

    def heal(self, outage: Outage) -> None:
        self._change(super().heal, outage)


def test_what_students_made_stays(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    own = manifest("networking.istio.io/v1", "DestinationRule", "mine", "istio", spec={"host": "ratings"})
    mesh.apply(own)
    play("distribute", mesh, "course")
    assert mesh.objects("DestinationRule") == [own]


@pytest.mark.parametrize("host", ["productpage", "productpage.istio.svc.cluster.local"])
def test_somebody_elses_rule_for_the_same_host_is_told_of(classroom: Topology, host: str) -> None:
    mesh = FakeMesh(classroom)
    mesh.apply(manifest("networking.istio.io/v1", "DestinationRule", "mine", "istio", spec={"host": host}))
    with pytest.raises(UsageError, match="DestinationRule istio/mine is for productpage"):
        play("distribute", mesh)


def test_a_short_host_of_another_namespace_is_another_host(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    other = manifest("networking.istio.io/v1", "DestinationRule", "mine", "default", spec={"host": "productpage"})
    mesh.objects_["DestinationRule", "mine"] = other
    engine.prepare(mesh, find(["distribute"])[0].acts(cast(classroom)), lambda _: None)


def test_all_that_stands_in_the_way_is_told_at_once(classroom: Topology) -> None:
    mesh = FakeMesh(classroom, broken=["cluster3 has no ready istiod"], foreign=["cluster2"])
    with pytest.raises(UsageError, match=r"(?s)cluster3 has no ready istiod.*cluster2 is failed, not by a lab"):
        play("failover", mesh)
    assert mesh.log == []


def test_a_refused_rule_is_told_in_the_api_servers_words(classroom: Topology) -> None:
    mesh = FakeMesh(classroom, refusal="admission webhook denied the request: bad weights")
    with pytest.raises(Refused, match="bad weights"):
        play("distribute", mesh)
    assert mesh.objects_ == {}


def test_proxies_that_never_get_the_rule_fail_the_act_and_are_told_of(classroom: Topology) -> None:
    (result,) = play("distribute", FakeMesh(classroom, stale=True), "course")
    assert any("without the expected configuration after 180 s: cluster1/ingress" in text for text in result.surprises)


def test_an_ejection_of_the_act_before_does_not_disturb_the_next(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    results = {result.act.name: result for result in play("failover", mesh, "both-gone", "near-back")}
    assert results["both-gone"].probes
    assert any("was still ejected from before" in text for text in results["near-back"].surprises)
    assert results["near-back"].passed


def test_a_stated_number_of_requests_is_sent(classroom: Topology) -> None:
    mesh = FakeMesh(classroom)
    (result,) = play("distribute", mesh, "course", requests=60)
    assert (result.sight.sample.requests, mesh.sent) == (60, 60)
    assert result.passed


def test_a_log_that_is_begun_anew_spoils_no_share(classroom: Topology) -> None:
    class Forgetful(FakeMesh):
        """The log of cluster3's pod is begun anew in the middle of the first measurement."""

        def measure(self, load: Load) -> Shares:
            shares = super().measure(load)
            if self.sent > load.requests:
                return shares
            early = shares.answers[:1000]
            lost = [replace(one, pod=None) if one.pod and one.pod.cluster == "cluster3" else one for one in early]
            return replace(shares, answers=(*lost, *shares.answers[1000:]))

    (result,) = play("distribute-2", Forgetful(classroom), "course")
    assert result.passed
    assert not result.surprises


def test_an_unknown_act_is_told_of(classroom: Topology) -> None:
    with pytest.raises(UsageError, match="no act pluto; it has course"):
        play("distribute", FakeMesh(classroom), "pluto")


def test_a_topology_that_cannot_show_a_lab_says_why(classroom: Topology) -> None:
    small = replace(classroom, clusters=classroom.clusters[:2])
    with pytest.raises(UsageError, match="needs two remote clusters in regions other than that of cluster1"):
        play("failover", FakeMesh(small))
