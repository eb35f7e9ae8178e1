"""Rules of WasmPlugins and TrafficExtensions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshctl.sandbox.apiserver.validation.golang import quote
from meshctl.sandbox.apiserver.validation.istio.decoding import Record
from meshctl.sandbox.apiserver.validation.istio.problem import Problems, error
from meshctl.sandbox.apiserver.validation.istio.rules.selector import attachment

_SCHEMES = ("", "file", "http", "https", "oci")
_KIB = 1024


def wasm_plugin(spec: Record) -> Problems:
    """A WasmPlugin's spec."""
    yield from attachment(spec)
    yield from _module(spec, longest_name=255)
    yield from _match(spec.match)


def traffic_extension(spec: Record) -> Problems:
    """A TrafficExtension's spec."""
    if (spec.wasm is None) == (spec.lua is None):
        yield error("exactly one of wasm or lua must be set")
    yield from attachment(spec, single=False)
    if spec.lua is not None:
        yield from _lua(spec.lua.inlineCode)
    if spec.wasm is not None:
        yield from _module(spec.wasm, longest_name=256)
    yield from _match(spec.match)


def _module(spec: Record, longest_name: int) -> Problems:
    yield from _url(spec.url)
    yield from _checksum(spec.sha256)
    if len(spec.imagePullSecret) > 253:
        yield error("imagePullSecret field must be less than 253 characters long")
    if len(spec.pluginName) > 256:
        yield error(f"pluginName field must be less than {longest_name} characters long")
    if spec.vmConfig is not None:
        yield from list(_environment(spec.vmConfig.env))[:1]


def _url(url: str) -> Problems:
    if not url:
        yield error("url field needs to be set")
        return
    if re.search(r"[\x00-\x20\x7f]", url):
        yield error(f"failed to parse url: parse {quote(url)}: invalid URI for request")
        return
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):(?![0-9])", url)
    if scheme and scheme[1].lower() not in _SCHEMES:
        yield error(f"url contains unsupported scheme: {scheme[1].lower()}")


def _checksum(text: str) -> Problems:
    if text and len(text) != 64:
        yield error("sha256 field must be 64 characters long")
    elif re.search("[^a-f0-9]", text):
        yield error("sha256 field must match [a-f0-9]{64} pattern")


def _environment(variables: Sequence[Record]) -> Problems:
    seen: set[str] = set()
    for variable in variables:
        if not variable.name:
            yield error("spec.vmConfig.env invalid")
        if len(variable.name) > 256:
            yield error("env.name field must be less than 255 characters long")
        if variable.name in seen:
            yield error("duplicate env")
        seen.add(variable.name)
        if variable.valueFrom != "INLINE" and variable.value:
            yield error("value may only be set when valueFrom is INLINE")


def _lua(code: str) -> Problems:
    if not code:
        yield error("lua.inlineCode cannot be empty")
    if len(code.encode()) > 64 * _KIB:
        yield error("lua.inlineCode exceeds maximum size of 64KB")


def _match(selectors: Sequence[Record]) -> Problems:
    for at, selector in enumerate(selectors):
        for port_at, port in enumerate(selector.ports):
            if not 0 < port.number <= 65535:
                yield error(f"spec.Match[{at}].Ports[{port_at}] is out of range: {port.number}")
                return
