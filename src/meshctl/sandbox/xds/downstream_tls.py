"""TLS that listeners terminate: mutual TLS of the mesh in sidecars, whatever a Gateway says in gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshctl.sandbox.xds.mesh_config import MeshConfig
from meshctl.sandbox.xds.message import Json, extension, message
from meshctl.sandbox.xds.secrets import WORKLOAD, agent_secret, credential, root_secret

Fields = Mapping[str, Any]

HTTP_ALPN = ("h2", "http/1.1")
TCP_ALPN = ("istio-peer-exchange", "h2", "http/1.1")
_MESH_CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
)
# What Envoy's BoringSSL knows (Istio pkg/config/security ValidCipherSuites); others would get a NACK.
_KNOWN_CIPHERS = frozenset(_MESH_CIPHERS) | {
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ALL",
}
_VERSIONS = {"TLSV1_0": "TLSv1_0", "TLSV1_1": "TLSv1_1", "TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3"}


def mesh_tls(settings: MeshConfig, alpn: Sequence[str]) -> Json:
    """The transport socket of a sidecar's port: clients need a certificate of the mesh's trust domains."""
    own = settings.raw.get("meshMTLS") or {}
    params = {
        "cipher_suites": list(own.get("cipherSuites") or _MESH_CIPHERS),
        "tls_minimum_protocol_version": "TLSv1_3" if own.get("minProtocolVersion") == "TLSV1_3" else "TLSv1_2",
        "tls_maximum_protocol_version": "TLSv1_3",
    }
    domains = dict.fromkeys((settings.trust_domain, *settings.trust_domain_aliases))
    names = [{"prefix": f"spiffe://{domain}/"} for domain in domains]
    context = message(
        alpn_protocols=list(alpn),
        tls_params=params,
        tls_certificate_sds_secret_configs=[agent_secret(WORKLOAD)],
        combined_validation_context=_validation(root_secret(""), {"match_subject_alt_names": names}),
    )
    return _socket(context, require_client_certificate=True)


def server_tls(tls: Fields, settings: MeshConfig, *, tcp: bool) -> Json:
    """The transport socket of a Gateway's server that ends TLS; `tcp`: no HTTP inside (Istio listener.go)."""
    mode = tls.get("mode") or "PASSTHROUGH"
    mutual = mode in ("MUTUAL", "ISTIO_MUTUAL")
    validates = mutual or mode == "OPTIONAL_MUTUAL"
    context: Json = {"alpn_protocols": list(TCP_ALPN if tcp and mode == "ISTIO_MUTUAL" else HTTP_ALPN)}
    if mode == "ISTIO_MUTUAL":
        context |= _from_agent(tls, [WORKLOAD], root_secret(""), validates=validates)
    elif _credentials(tls):
        context |= _from_credentials(tls)
    else:
        certificates = [_file(pair) for pair in tls.get("tlsCertificates") or [tls]]
        root = root_secret(tls.get("caCertificates") or "")
        context |= _from_agent(tls, certificates, root, validates=validates)
    if mode in ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"):
        context |= message(tls_params=_params(tls, settings.raw.get("tlsDefaults") or {}) or None)
    return _socket(context, require_client_certificate=mutual)


def _socket(context: Json, *, require_client_certificate: bool) -> Json:
    return extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context=context,
        require_client_certificate=require_client_certificate,
    )


def _validation(root: Json, default: Json) -> Json:
    return {"default_validation_context": default, "validation_context_sds_secret_config": root}


def _from_agent(tls: Fields, names: Sequence[str], root: Json, *, validates: bool) -> Json:
    """Certificates that the proxy's agent holds: the workload's own, or files of the pod."""
    context: Json = {"tls_certificate_sds_secret_configs": [agent_secret(name) for name in names]}
    if validates:
        crl = tls.get("caCrl")
        default = message(
            match_subject_alt_names=_exact(tls),
            crl={"filename": crl} if crl else None,
            trust_chain_verification=_verification(tls),
        )
        context["combined_validation_context"] = _validation(root, default)
    return context


def _from_credentials(tls: Fields) -> Json:
    """Certificates out of Kubernetes Secrets, from the control plane; the CA stands beside the first."""
    names = _credentials(tls)
    context: Json = {"tls_certificate_sds_secret_configs": [credential(name) for name in names]}
    if tls.get("mode") in ("MUTUAL", "OPTIONAL_MUTUAL"):
        default = message(
            match_subject_alt_names=_exact(tls),
            verify_certificate_spki=tls.get("verifyCertificateSpki"),
            verify_certificate_hash=tls.get("verifyCertificateHash"),
            trust_chain_verification=_verification(tls),
        )
        root = tls.get("caCertCredentialName") or f"{names[0]}-cacert"
        context["combined_validation_context"] = _validation(credential(root), default)
    elif tls.get("subjectAltNames"):
        context["validation_context"] = {"match_subject_alt_names": _exact(tls)}
    return context


def _credentials(tls: Fields) -> list[str]:
    if tls.get("credentialNames"):
        return list(tls["credentialNames"])
    return [tls["credentialName"]] if tls.get("credentialName") else []


def _file(pair: Fields) -> str:
    certificate, key = pair.get("serverCertificate"), pair.get("privateKey")
    return f"file-cert:{certificate}~{key}" if certificate and key else WORKLOAD


def _exact(tls: Fields) -> list[Json]:
    return [{"exact": name} for name in tls.get("subjectAltNames") or ()]


def _verification(tls: Fields) -> str | None:
    return "ACCEPT_UNTRUSTED" if tls.get("insecureSkipVerify") else None


def _params(tls: Fields, defaults: Fields) -> Json:
    """Versions and ciphers of the server, else the mesh's `tlsDefaults`."""
    minimum = _VERSIONS.get(tls.get("minProtocolVersion") or "")
    if minimum is None and defaults.get("minProtocolVersion") not in (None, "TLS_AUTO"):
        minimum = "TLSv1_3" if defaults["minProtocolVersion"] == "TLSV1_3" else "TLSv1_2"
    return message(
        tls_minimum_protocol_version=minimum,
        tls_maximum_protocol_version=_VERSIONS.get(tls.get("maxProtocolVersion") or ""),
        cipher_suites=_ciphers(tls) or list(defaults.get("cipherSuites") or ()),
        ecdh_curves=list(defaults.get("ecdhCurves") or ()),
    )


def _ciphers(tls: Fields) -> list[str]:
    """The suites that Envoy knows, each once; those that begin with an operator are an expression."""
    suites = dict.fromkeys(tls.get("cipherSuites") or ())
    return [suite for suite in suites if suite in _KNOWN_CIPHERS or (suite and not suite[0].isalnum())]
