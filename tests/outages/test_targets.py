"""Words of the command line, and what they mean."""

from __future__ import annotations

import pytest

from meshctl.errors import UsageError
from meshctl.mesh.pod import Pod
from meshctl.outages import Outage, actions, outage, rules, targets
from meshctl.outages.rules import Place
from meshctl.validate import find_topology

CLASSROOM = find_topology(preset="classroom")
FIVE = find_topology(preset="five-clusters")


def _pod(cluster: str, workload: str, suffix: str = "7f9c4-abcde", namespace: str = "istio") -> Pod:
    name = f"{workload}-{suffix}"
    address = "172.20.1.9"
    return Pod(cluster, namespace, name, f"{cluster}-n1", address, workload, workload, "v1", ("c",), "c", True, True)


PODS = [
    _pod("cluster1", "reviews-v1", "aaaaa-11111"),
    _pod("cluster1", "reviews-v1", "aaaaa-22222"),
    _pod("cluster2", "reviews-v1", "aaaaa-33333"),
    _pod("cluster2", "istio-eastwestgateway", namespace="istio-system"),
]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("cluster2", Outage("cluster", "cluster2")),
        ("cluster/cluster2", Outage("cluster", "cluster2")),
        ("cluster1-cluster2", Outage("link", "cluster1-cluster2")),
        ("cluster2-cluster1", Outage("link", "cluster1-cluster2")),
        ("cluster2-n1", Outage("node", "cluster2-n1")),
        ("node/cluster2-n1", Outage("node", "cluster2-n1")),
        ("gateway/cluster3", Outage("gateway", "cluster3")),
        ("apiserver/cluster1", Outage("apiserver", "cluster1")),
        ("istiod", Outage("istiod")),
        ("pod/istio/reviews-v1-aaaaa-33333", Outage("pod", "cluster2/istio/reviews-v1-aaaaa-33333")),
        ("reviews-v1-aaaaa-33333", Outage("pod", "cluster2/istio/reviews-v1-aaaaa-33333")),
        ("deployment/cluster2/istio/reviews-v1", Outage("pod", "cluster2/istio/reviews-v1-aaaaa-33333")),
    ],
)
def test_words_become_outages(word: str, found: Outage) -> None:
    assert targets.resolve([word], CLASSROOM, PODS) == [found]


def test_a_deployment_fails_with_all_its_pods() -> None:
    assert len(targets.resolve(["deployment/cluster1/istio/reviews-v1"], CLASSROOM, PODS)) == 2


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("clustr2", "did you mean cluster2?"),
        ("gateway/cluster9", "did you mean gateway/cluster"),
        ("nonsense", "expected one of cluster1, cluster2, cluster3, cluster1-cluster2"),
        ("deployment/reviews-v1", "deployment/cluster1/istio/reviews-v1, deployment/cluster2/istio/reviews-v1"),
        ("pod/reviews-v1-aaaaa", "did you mean pod/cluster"),
    ],
)
def test_words_that_mean_nothing_are_told_what_would(word: str, said: str) -> None:
    with pytest.raises(UsageError, match="can't fail|is ambiguous") as refused:
        targets.resolve([word], CLASSROOM, PODS)

    assert said in str(refused.value)


def test_all_unknown_words_are_told_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        targets.resolve(["one", "cluster1", "two"], CLASSROOM, PODS)

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == ["one", "two"]


@pytest.mark.parametrize("topology", [CLASSROOM, FIVE], ids=["classroom", "five-clusters"])
def test_every_target_has_rules_and_its_name_is_read_back(topology: object) -> None:
    from meshctl.topology import Topology

    assert isinstance(topology, Topology)
    for word, found in targets.fixed(topology).items():
        impaired = Outage(found.kind, found.target, delay=80_000, loss=500)
        place = [Place("172.20.1.9", next(node.name for _, node in topology.nodes))]
        cuts = rules.cuts(topology, found, place)
        assert cuts, word
        assert outage.parse(impaired.table) == impaired
        assert targets.resolve([found.words], topology) == [found]
        for cut in cuts.values():
            assert "drop" in rules.script(found, cut), word


def test_tables_of_others_are_no_outages() -> None:
    for name in ("meshctl-services", "meshctl-outage", "meshctl-outage/cluster/0/x/a", "meshctl-outage/flood/0/0/a"):
        assert outage.parse(name) is None


def test_what_fails_is_healed_by_the_words_that_failed_it_without_asking_a_cluster() -> None:
    pod = Outage("pod", "cluster2/istio/reviews-v1-aaaaa-33333", delay=1000)
    link = Outage("link", "cluster1-cluster2")

    for word in ("reviews-v1-aaaaa-33333", "pod/istio/reviews-v1-aaaaa-33333", "deployment/istio/reviews-v1"):
        assert actions.among([pod, link], [word], CLASSROOM) == (pod,)
    assert actions.among([pod, link], ["cluster2-cluster1"], CLASSROOM) == (link,)
    assert actions.among([pod, link], ["cluster3"], CLASSROOM) == ()
    with pytest.raises(UsageError, match="does not fail; failing: pod/cluster2"):
        actions.among([pod], ["reviews-v9"], CLASSROOM)
