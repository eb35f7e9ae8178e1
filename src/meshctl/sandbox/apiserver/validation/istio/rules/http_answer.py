"""Rules of answers and changes of requests: redirects, fixed responses, rewrites."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, warning
from meshctl.sandbox.apiserver.validation.istio.rules import names
from meshctl.sandbox.apiserver.validation.istio.rules.regex import regex

_KIB = 1024
_TARGETS = ("uri", "prefixRewrite", "authority", "scheme")


def status(code: int) -> Problems:
    """An HTTP status; 600 passes, as in Istio."""
    if not 200 <= code <= 600:
        yield error(f"HTTP status {code} is not in range 200-599")


def redirect(rule: Record | None, matches: Sequence[Record]) -> Problems:
    """A redirect: its first fault."""
    if rule is not None:
        yield from list(_redirect(rule, matches))[:1]


def _redirect(rule: Record, matches: Sequence[Record]) -> Problems:
    if rule.uri and rule.prefixRewrite:
        yield error("redirect may only specify one of uri or prefix_rewrite")
    paths = [match.uri for match in matches if match.uri is not None]
    if rule.prefixRewrite and not all(path.holds("prefix") for path in paths):
        yield error("redirect prefix_rewrite requires all URI matches to use prefix match type")
    if not any(rule[field] for field in _TARGETS) and not (rule.holds("port") or rule.holds("derivePort")):
        yield error("redirect must specify URI, authority, scheme, or port")
    if rule.redirectCode and not 300 <= rule.redirectCode <= 399:
        yield error(f"{rule.redirectCode} is not a valid redirect code, must be 3xx")
    if rule.scheme not in ("", "http", "https"):
        yield error('invalid redirect scheme, must be "http" or "https"')
    if rule.port:
        yield from names.port(rule.port)


def direct_response(response: Record | None) -> Problems:
    """A fixed response."""
    if response is None:
        return
    if response.body is not None:
        size = len(response.body.string.encode() or response.body.bytes)
        large = "large direct_responses may impact control plane performance"
        if size > _KIB * _KIB:
            yield error(f"{large}, must be less than 1MB")
        elif size > 100 * _KIB:
            yield warning(large)
    yield from status(response.status)


def rewrite(rule: Record | None) -> Problems:
    """A rewrite: its first fault."""
    if rule is None:
        return
    pattern = rule.uriRegexRewrite
    if rule.uri and pattern is not None:
        yield error("rewrite may only contain one of URI or UriRegexRewrite")
    elif not rule.uri and pattern is None and not rule.authority:
        only = "Only one of URI or UriRegexRewrite may be specified"
        yield error(f"rewrite must specify at least one of URI, UriRegexRewrite, or authority. {only}")
    elif pattern is not None:
        for problem in _pattern(pattern):
            yield Problem(f"UriRegexRewrite has errors\n{problem.text}")


def _pattern(pattern: Record) -> Problems:
    if not pattern.match or not pattern.rewrite:
        yield error("UriRegexRewrite requires both Rewrite and Match fields to be specified")
    else:
        yield from regex(pattern.match, "HTTPRewrite.UriRegexRewrite.Match")
