"""`istio.v1.auth.IstioCertificateService`: signing the requests of whoever proves who it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from meshctl.pki.workload import SigningRefused, sign_workload
from meshctl.sandbox.xds.istiod.authentication import Identity, Refused
from meshctl.sandbox.xds.istiod.identities import Identities
from meshctl.sandbox.xds.istiod.messages import field

SERVICE = "istio.v1.auth.IstioCertificateService"
_VARINT, _BYTES = 0, 2
Identify = Callable[[Any], Awaitable[Identity]]


@dataclass(frozen=True, slots=True)
class Request:
    """An IstioCertificateRequest: the CSR in PEM and the lifetime asked for; `impersonated`: on whose behalf."""

    csr: bytes = b""
    lifetime: timedelta = timedelta(0)
    impersonated: bool = False


def parse(content: bytes) -> Request:
    """Read a request off the wire (istio.io/api security/v1alpha1/ca.proto, which Envoy does not have)."""
    csr, seconds, metadata, position = b"", 0, b"", 0
    while position < len(content):
        tag, position = _varint(content, position)
        value, position = _varint(content, position)
        if tag & 7 == _BYTES:
            text = content[position : position + value]
            position += value
            csr, metadata = (text if tag >> 3 == 1 else csr), (text if tag >> 3 == 4 else metadata)
        elif tag & 7 == _VARINT:
            seconds = value if tag >> 3 == 3 else seconds
        else:
            raise ValueError("not an IstioCertificateRequest")
    signed = seconds - (1 << 64) if seconds >> 63 else seconds
    # No timedelta holds every int64; both ends are refused or taken as 24 h alike.
    lifetime = timedelta(seconds=max(-1, min(signed, 10**9)))
    return Request(csr, lifetime, b"ImpersonatedIdentity" in metadata)


def handlers(identities: Identities, identify: Identify) -> grpc.GenericRpcHandler:
    """What a gRPC server serves; `identify` tells who calls, Refused."""

    async def create(content: bytes, context: Any) -> bytes:
        try:
            who, request = await identify(context), parse(content)
        except (Refused, ValueError, IndexError):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "request authenticate failure")
            raise
        if request.impersonated:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "request impersonation authentication failure")
        try:
            return await asyncio.to_thread(_signed, identities, who, request)
        except SigningRefused as reason:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(reason))
            raise

    methods = {"CreateCertificate": grpc.unary_unary_rpc_method_handler(create)}
    return grpc.method_handlers_generic_handler(SERVICE, methods)


def _signed(identities: Identities, who: Identity, request: Request) -> bytes:
    chain = sign_workload(identities.signer, request.csr, identities.spiffe(who), request.lifetime, datetime.now(UTC))
    return b"".join(field(1, certificate) for certificate in chain)


def _varint(content: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
