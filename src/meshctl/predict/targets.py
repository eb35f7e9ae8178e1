"""From the words of the command line to outages; they are those of `meshctl fail`, and some more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from meshctl.errors import InvalidInput, Problem
from meshctl.predict.mesh import Mesh, Pod
from meshctl.predict.near import near, one_of
from meshctl.predict.outage import HARMLESS, Outage

OF_PODS = ("gone", "failing", "unready")
OF_CLUSTERS = ("gateway", "secret", "apiserver", "ingress")
FORMS = (
    "CLUSTER",
    "CLUSTER-CLUSTER",
    *(f"{kind}/CLUSTER" for kind in OF_CLUSTERS),
    "node/NODE",
    "pod/POD",
    *(f"{kind}/SERVICE@CLUSTER" for kind in OF_PODS),
    "failing/SERVICE@CLUSTER=30%",
    "istiod",
)


def parse(texts: Iterable[str], mesh: Mesh) -> tuple[Outage, ...]:
    """Outages from words; InvalidInput names every one that isn't understood."""
    outages: list[Outage] = []
    problems = []
    for text in texts:
        try:
            outages.append(_parse(text, mesh))
        except _Unknown as unknown:
            problems.append(Problem(0, text, str(unknown)))
    if problems:
        raise InvalidInput("--fail", problems)
    return tuple(outages)


class _Unknown(Exception):
    """A word that means nothing, and why."""


def _parse(text: str, mesh: Mesh) -> Outage:
    kind, slash, rest = text.partition("/")
    if kind in OF_PODS and slash:
        return _of_pods(kind, rest, mesh)
    if kind in OF_CLUSTERS and slash:
        return Outage(kind, _cluster(rest, mesh))
    if kind == "pod" and slash:
        pod = _pod(rest, mesh)
        return Outage(kind, pod.cluster, target=pod.title)
    if text in HARMLESS:
        return Outage(text, "")
    return _place(text, mesh)


def _of_pods(kind: str, rest: str, mesh: Mesh) -> Outage:
    target, equals, how = rest.partition("=")
    rate, status = _how(kind, how) if equals else (Fraction(1), 500)
    service, at, cluster = target.partition("@")
    if not at:
        pod = _pod(target, mesh)
        return Outage(kind, pod.cluster, target=pod.title, rate=rate, status=status)
    if service not in mesh.by_service:
        known = list(mesh.by_service)
        raise _Unknown(f"service {service!r} is unknown;{near(service, known)} expected one of {one_of(known)}")
    return Outage(kind, _cluster(cluster, mesh), service, rate=rate, status=status)


def _how(kind: str, text: str) -> tuple[Fraction, int]:
    """`30%`, `503`, or both with a comma."""
    found = re.fullmatch(r"(?:(\d{1,3}(?:\.\d+)?)%)?,?(5\d\d)?", text)
    if kind != "failing" or not text or not found:
        raise _Unknown(f"{text!r} says nothing; expected failing/…=30%, =503 or =30%,503")
    rate = Fraction(found[1]) / 100 if found[1] else Fraction(1)
    if not 0 < rate <= 1:
        raise _Unknown(f"{found[1]} % is no rate; expected more than 0 and at most 100")
    return rate, int(found[2] or 500)


def _cluster(name: str, mesh: Mesh) -> str:
    if name in mesh.by_name:
        return name
    raise _Unknown(f"cluster {name!r} is unknown;{near(name, mesh.by_name)} expected one of {one_of(mesh.by_name)}")


def _pod(name: str, mesh: Mesh) -> Pod:
    found = [pod for pod in mesh.pods if f"/{pod.title}".endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    titles = [pod.title for pod in mesh.pods]
    if found:
        raise _Unknown(f"{name} is {len(found)} pods: {one_of(pod.title for pod in found)}")
    raise _Unknown(f"pod {name!r} is unknown;{near(name, titles)} expected SERVICE@CLUSTER or one of {one_of(titles)}")


def _place(text: str, mesh: Mesh) -> Outage:
    """A cluster, a link or a node, with or without its kind before it."""
    for kind in ("cluster", "link", "node"):
        word = text.removeprefix(f"{kind}/")
        found = next(_named(kind, word, mesh), None)
        if found:
            return found
    word = text.rpartition("/")[2]
    known = [*mesh.by_name, *(node for cluster in mesh.clusters for node in cluster.nodes), *FORMS]
    raise _Unknown(f"cluster {word!r} is unknown;{near(word, known)} expected {', '.join(FORMS)}")


def _named(kind: str, word: str, mesh: Mesh) -> Iterator[Outage]:
    if kind == "cluster" and word in mesh.by_name:
        yield Outage(kind, word)
    if kind == "link":
        for cut in (match.start() for match in re.finditer("-", word)):
            if {word[:cut], word[cut + 1 :]} <= mesh.by_name.keys() and word[:cut] != word[cut + 1 :]:
                yield Outage(kind, word[:cut], target=word[cut + 1 :])
    if kind == "node":
        yield from (Outage(kind, one.name, target=word) for one in mesh.clusters if word in one.nodes)
