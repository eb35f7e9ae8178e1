"""Rules of a VirtualService's HTTP routes."""

from __future__ import annotations

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error, errors_of, warning
from meshctl.sandbox.apiserver.validation.istio.rules import header, names
from meshctl.sandbox.apiserver.validation.istio.rules.duration import duration
from meshctl.sandbox.apiserver.validation.istio.rules.http_answer import direct_response, redirect, rewrite
from meshctl.sandbox.apiserver.validation.istio.rules.http_policy import cors, fault, retries
from meshctl.sandbox.apiserver.validation.istio.rules.regex import regex
from meshctl.sandbox.apiserver.validation.istio.rules.route import (
    destination,
    destinations,
    mirror_percentage,
    mirrors,
)


def http_route(route: Record, delegate: bool) -> Problems:
    """A route; `delegate`: of a virtual service without hosts."""
    yield from _conflicts(route, delegate)
    yield from errors_of(_matches(route))
    yield from header.operations(route.headers)
    yield from cors(route.corsPolicy)
    yield from errors_of(fault(route.fault))
    yield from _mirror_percent(route)
    yield from mirror_percentage(route.mirrorPercentage, "mirror_percentage")
    yield from destination(route.mirror)
    yield from mirrors(route.mirrors)
    yield from redirect(route.redirect, route.match)
    yield from direct_response(route.directResponse)
    yield from retries(route.retries)
    yield from rewrite(route.rewrite)
    yield from _authority(route)
    yield from destinations(route.route, with_headers=True)
    yield from duration(route.timeout)


def _conflicts(route: Record, delegate: bool) -> Problems:
    if route.delegate is not None and not delegate:
        for field in ("redirect", "route"):
            if route.holds(field):
                yield error(f"root HTTP route {route.name} must not specify {field}")
        return
    if route.delegate is not None:
        yield error("delegate HTTP route cannot contain delegate")
    if route.redirect is not None:
        yield from _excluded(route, "redirect")
        if route.directResponse is not None:
            yield error("HTTP route rule cannot contain both direct_response and redirect")
    elif route.directResponse is not None:
        yield from _excluded(route, "direct_response")
    elif not route.route:
        yield error("HTTP route, redirect or direct_response is required")
    if route.mirror is not None and route.mirrors:
        yield error("HTTP route cannot contain both mirror and mirrors")


def _excluded(route: Record, answer: str) -> Problems:
    if route.route:
        yield error(f"HTTP route cannot contain both route and {answer}")
    if route.fault is not None:
        yield error(f"HTTP route cannot contain both fault and {answer}")
    if route.rewrite is not None:
        yield error(f"HTTP route rule cannot contain both rewrite and {answer}")


def _matches(route: Record) -> Problems:
    for match in route.match:
        yield from _texts(match)
    for match in route.match:
        if match.port:
            yield from names.port(match.port)
        yield from names.tags(match.sourceLabels)
        yield from names.gateway_names(match.gateways)
        if match.sourceNamespace and not names.is_label(match.sourceNamespace):
            yield error(f"sourceNamespace match {match.sourceNamespace} is invalid")


def _texts(match: Record) -> Problems:
    for name, wanted in match.headers.items():
        yield from header.match_name(name)
        yield from _text(wanted, "headers")
    for name, unwanted in match.withoutHeaders.items():
        yield from header.match_name(name)
        if unwanted.regex != "*":  # stands for any value, and is no expression
            yield from _text(unwanted, "withoutHeaders")
    yield from expression(match.uri, "uri")
    for field in ("scheme", "method", "authority"):
        yield from _text(match[field], field)
    for wanted in match.queryParams.values():
        yield from _text(wanted, "queryParams")


def _text(wanted: Record | None, where: str) -> Problems:
    if wanted is not None and wanted.holds("prefix") and not wanted.prefix:
        yield error(f"{quote(where)}: prefix string match should not be empty")
    yield from expression(wanted, where)


def expression(wanted: Record | None, where: str) -> Problems:
    """The regular expression of a match, if it is one."""
    if wanted is None or not wanted.holds("regex"):
        return
    if not wanted.regex:
        yield error(f"{quote(where)}: regex string match should not be empty")
    else:
        yield from regex(wanted.regex, where)


def _mirror_percent(route: Record) -> Problems:
    if route.mirrorPercent is None:
        return
    if route.mirrorPercent > 100:
        yield error(f"mirror_percent must have a max value of 100 (it has {route.mirrorPercent})")
    yield warning('using deprecated setting "mirrorPercent", use "mirrorPercentage" instead')


def _authority(route: Record) -> Problems:
    current = route.rewrite.authority if route.rewrite is not None else ""
    request = route.headers.request if route.headers is not None else None
    if request is None:
        return
    for name, value in [*request.set.items(), *request.add.items()]:
        if not header.is_authority(name):
            continue
        if current:
            given = f"have {quote(current)}, attempting to set {quote(value)}"
            yield error(f"authority header cannot be set multiple times: {given}")
            return
        current = value
