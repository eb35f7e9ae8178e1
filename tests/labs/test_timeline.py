"""A timeline put together from a recording, told and drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from meshctl.labs import picture, timeline
from meshctl.labs.cast import cast
from meshctl.labs.catalog import find
from meshctl.labs.lab import Script
from meshctl.labs.timeline import Look, Moment, Recording, Timeline, assembled, story
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import Answer, Call, Shares
from meshctl.validate import find_topology
from tests.labs.fake import FakeMesh

GATEWAY = "192.168.229.101:15443"
TITLES = {"down": "cluster2 is <down>"}


def pod(cluster: str) -> Pod:
    return Pod(cluster, "istio", "p", "n", "10.0.0.1", "p", "productpage", "v1", (), "", True, True)


def recorded() -> Timeline:
    """Ten seconds: cluster2 answers, fails once at second 4, cluster3 from 5 on; ejected from 4.5 s to 8 s."""
    answers = [Answer(n, n / 2, 0.01, 200, pod=pod("cluster2" if n < 8 else "cluster3")) for n in range(20) if n != 9]
    answers.append(Answer(9, 4.5, 2.0, 503))
    shares = Shares(Call(), "", 10, tuple(answers), (), begun=1.0)
    looks = tuple(Look(1.0 + n / 2, frozenset([GATEWAY] if 9 <= n < 16 else [])) for n in range(20))
    found = Recording(shares, looks, (Moment("down", 5.0, 5.2),), 1.0, {GATEWAY: "gateway of cluster2"})
    return assembled("failover", ["cluster1", "cluster2", "cluster3"], Script((), (), 10, rate=2), found)


def test_requests_are_counted_by_the_second_in_which_they_were_sent() -> None:
    found = recorded()
    assert found.parties == ("cluster1", "cluster2", "cluster3", "fails")
    assert [dict(second.answers) for second in found.seconds[3:6]] == [
        {"cluster2": 2},
        {"cluster3": 1, "fails": 1},
        {"cluster3": 2},
    ]
    assert found.seconds[4].slowest == 2.0
    assert found.total.total() == 20


def test_ejections_and_moments_share_the_clock_of_the_requests() -> None:
    found = recorded()
    assert [(span.name, span.begin, span.end) for span in found.ejections] == [("gateway of cluster2", 4.5, 8.0)]
    assert [(moment.at, round(moment.done, 1)) for moment in found.moments] == [(4.0, 4.2)]


def test_the_story_is_in_order_and_counts_failures() -> None:
    lines = story(recorded(), TITLES)
    assert lines[0] == "  4.0 s  (1) cluster2 is <down>"
    assert "  4.5 s  gateway of cluster2 is ejected, until 8.0 s" in lines
    assert any("cluster3 answers most requests instead of cluster2" in line for line in lines)
    assert lines[-1] == "1 of 20 requests failed (1 x 503); in 1 seconds requests waited, 2.0 s at most"


def test_the_drawing_is_well_formed_and_its_bars_are_the_requests() -> None:
    drawing = picture.svg(recorded(), TITLES)
    root = ElementTree.fromstring(drawing)
    bars = [one for one in root.iter("rect") if one.get("fill") == picture.COLOURS[1] and one.get("rx") is None]
    assert len(bars) == 4
    assert {one.get("height") for one in bars} == {f"{2 * (picture.BARS - 18) / 2:.1f}"}
    assert "cluster2 is &lt;down&gt;" in drawing


def test_the_file_needs_nothing_from_elsewhere() -> None:
    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert not {"href", "src"} & {name for name, _ in attrs}
            assert tag not in ("script", "link", "img", "iframe")

    page = picture.html(recorded(), "Title & more", TITLES, "about")
    Links().feed(page)
    assert "url(" not in page and "@import" not in page and "http" not in page
    assert "<title>Title &amp; more</title>" in page


def test_a_script_is_watched_on_a_mesh_and_cleared_up() -> None:
    topology = find_topology(None, "classroom")
    mesh = FakeMesh(topology)
    lab = find(["failover"])[0]
    assert lab.script
    found = timeline.watch(lab, lab.script(cast(topology)), mesh, lambda _: None)
    assert [moment.title for moment in found.moments] == ["both-gone", "near-back", "local-back"]
    assert found.total.total() == found.rate * len(found.seconds)
    assert (mesh.objects_, mesh.failed) == ({}, [])
