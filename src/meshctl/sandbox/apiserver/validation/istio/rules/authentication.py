"""Rules of PeerAuthentications and RequestAuthentications."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problem, Problems, error, listed, warning
from meshctl.sandbox.apiserver.validation.istio.rules import header
from meshctl.sandbox.apiserver.validation.istio.rules.duration import duration
from meshctl.sandbox.apiserver.validation.istio.rules.selector import attachment, workload_selector


def peer_authentication(spec: Record) -> Problems:
    """A PeerAuthentication's spec."""
    labels = spec.selector.matchLabels if spec.selector is not None else {}
    if spec.portLevelMtls and not labels:
        yield error("mesh/namespace peer authentication cannot have port level mTLS")
    if spec.holds("portLevelMtls") and not spec.portLevelMtls:
        yield error("port level mTLS, if defined, must have at least one element")
    for port in spec.portLevelMtls:
        if not 0 < port <= 65535:
            yield error("port must be in range 1..65535")
    yield from workload_selector(spec.selector)


def request_authentication(spec: Record) -> Problems:
    """A RequestAuthentication's spec."""
    yield from attachment(spec)
    for rule in spec.jwtRules:
        yield from _listed(_jwt_rule(rule))
        yield from _private_keys(rule.jwks)


def _listed(problems: Problems) -> Iterator[Problem]:
    return (listed(problem.text) for problem in problems)


def _jwt_rule(rule: Record) -> Problems:
    if not all(rule.audiences):
        yield from (error("audience must be non-empty string") for each in rule.audiences if not each)
    if not rule.issuer and not rule.jwksUri:
        yield error("issuer or jwksUri must be non-empty string")
    if rule.jwksUri:
        yield from _key_address(rule.jwksUri)
    if rule.jwks and _keys(rule.jwks) is None:
        yield error(f"jwks parse error: failed to unmarshal JWK set: {_json_fault(rule.jwks)}")
    yield from (error("location header name must be non-empty string") for h in rule.fromHeaders if not h.name)
    yield from (error("location query must be non-empty string") for each in rule.fromParams if not each)
    yield from (error("cookie name must be non-empty string") for each in rule.fromCookies if not each)
    for copied in rule.outputClaimToHeaders:
        if not copied.claim or not copied.header:
            yield error("outputClaimToHeaders header and claim value must be non-empty string")
        else:
            yield from header.strict_name(copied.header)
    yield from duration(rule.timeout)


def _key_address(text: str) -> Problems:
    scheme = urlsplit(text).scheme
    if scheme not in ("http", "https"):
        yield error(f"URI scheme {quote(scheme)} is not supported")


def _keys(text: str) -> list[Any] | None:
    """The keys of a JSON Web Key Set, or the single key; None if it is neither."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(parsed, dict):
        return None
    keys = parsed.get("keys", [parsed])
    fine = isinstance(keys, list) and all(isinstance(key, dict) and key.get("kty") for key in keys)
    return keys if fine else None


def _json_fault(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as fault:
        found = text[fault.pos : fault.pos + 1]
        return f"invalid character '{found}' looking for beginning of value" if found else "unexpected EOF"
    return "failed to unmarshal key from JSON headers"


def _private_keys(text: str) -> Problems:
    for at, key in enumerate(_keys(text) or [] if text else []):
        if key.get("kty") == "oct" or "d" in key:
            effect = "only public keys are used for verification"
            yield warning(f"jwks key at index {at} contains private key material; {effect}")
