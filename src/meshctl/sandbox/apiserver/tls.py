"""TLS that asks clients for certificates and leaves the judging to the authenticator."""

from __future__ import annotations

import _ssl
import ctypes
import ssl
from pathlib import Path

ASK = 1  # SSL_VERIFY_PEER
VERIFY = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)

# OpenSSL keeps the address of this callback: it must live as long as the process.
_ACCEPT = VERIFY(lambda _ok, _store: 1)


def context(certificate: Path, key: Path, client_authority: Path) -> ssl.SSLContext:
    """A server's context, HTTP/1.1 only."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.load_verify_locations(client_authority)
    made.set_alpn_protocols(["http/1.1"])
    made.verify_mode = ssl.CERT_OPTIONAL
    _accept_any(made)
    return made


def _accept_any(made: ssl.SSLContext) -> None:
    """Let a stranger's certificate through the handshake.

    Kubernetes answers 401 to a certificate of another authority. Python's ssl module would end the handshake with an
    alert instead, which clients report as a broken connection; it has no setting for this, OpenSSL has.
    """
    set_verify = getattr(ctypes.CDLL(_ssl.__file__), "SSL_CTX_set_verify", None)
    if set_verify is None:
        return
    set_verify.argtypes = [ctypes.c_void_p, ctypes.c_int, VERIFY]
    set_verify.restype = None
    # An SSLContext object holds its SSL_CTX pointer right behind the object header.
    pointer = ctypes.c_void_p.from_address(id(made) + object.__basicsize__).value
    set_verify(pointer, ASK, _ACCEPT)
