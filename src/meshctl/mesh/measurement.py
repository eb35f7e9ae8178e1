"""Measuring traffic: send a bounded load, then ask the access logs of the mesh who answered each request."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from meshctl.errors import UsageError
from meshctl.mesh import accounting, clusters, curl, load, trail
from meshctl.mesh.clusters import Mesh, Survey
from meshctl.mesh.pod import Pod
from meshctl.mesh.traffic import MOST_CONCURRENT, MOST_REQUESTS, Answer, Call, Shares

INGRESS = "ingressgateway"
Report = Callable[[str, int], None]


def measure(mesh: Mesh, call: Call, url: str, source: Pod | None = None, report: Report = lambda _, __: None) -> Shares:
    """Send `call` to `url` (`http://HOST[:PORT]`) and find who answered.

    Without a source the load goes from here through the primary's ingress gateway, which `url` must lead to; with one,
    from that pod through its sidecar. `report` gets what is under way and how many requests are done. UsageError if
    the call is out of bounds; NoCurl if the source can't send.
    """
    _check(call)
    before = clusters.survey(mesh)
    # The user agent passes every proxy unchanged, which x-request-id does not, and ends in every access log.
    agent = f"meshctl-traffic/{secrets.token_hex(4)}"
    begun = time.monotonic()
    answers = _sent(mesh, call, url, agent, source, report)
    seconds = time.monotonic() - begun
    report("reading the access logs", len(answers))
    firsts = [source] if source else ingresses(mesh, before)
    survey = _together(before, clusters.survey(mesh))
    found = trail.follow(mesh, survey, firsts, agent, answers, begun)
    known = accounting.answers(answers, found, accounting.addresses(mesh.topology, survey), clusters.gateways(mesh))
    unseen = sum(1 for one in answers if one.code and one.number not in found.first)
    target = f"{url} from {source.full_name}" if source else url
    return Shares(call, target, seconds, tuple(known), accounting.hops(found), unseen, found.notes, begun)


def ingresses(mesh: Mesh, survey: Survey) -> list[Pod]:
    """The pods of the primary's ingress gateway."""
    primary = mesh.topology.primary.name
    return [one for one in survey.proxies if one.cluster == primary and INGRESS in one.workload]


def _check(call: Call) -> None:
    faults = []
    if not 1 <= call.requests <= MOST_REQUESTS:
        faults.append(f"requests {call.requests}: expected 1 to {MOST_REQUESTS}")
    if not 1 <= call.concurrency <= MOST_CONCURRENT:
        faults.append(f"concurrency {call.concurrency}: expected 1 to {MOST_CONCURRENT}")
    if not call.path.startswith("/") or any(one.isspace() or ord(one) < 32 for one in call.path):
        faults.append(f"path {call.path!r}: expected one that begins with / and has no spaces")
    if call.timeout <= 0 or call.rate < 0:
        faults.append("timeout and rate: expected positive numbers")
    if faults:
        raise UsageError("\n".join(faults))


def _sent(mesh: Mesh, call: Call, url: str, agent: str, source: Pod | None, report: Report) -> list[Answer]:
    if source:
        report(f"sending {call.requests} requests from {source.name}", 0)
        return curl.send(mesh, source, call, url, agent)
    return load.send(call, url, agent, lambda done: report(f"{done} of {call.requests} requests", done))


def _together(before: Survey, after: Survey) -> Survey:
    """Every pod of either; one that has gone meanwhile is still known by its address."""
    pods = {one.full_name: one for one in (*before.pods, *after.pods)}
    return Survey(tuple(pods.values()), {**before.silent, **after.silent})
