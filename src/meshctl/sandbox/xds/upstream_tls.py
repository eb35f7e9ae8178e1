"""TLS towards an upstream cluster: what a DestinationRule states, or Istio's own mutual TLS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meshctl.sandbox.xds.endpoints import endpoints_of_port
from meshctl.sandbox.xds.message import Json, extension, message
from meshctl.sandbox.xds.outbound import Discovery, Outbound
from meshctl.sandbox.xds.peer_authentication import MutualTls
from meshctl.sandbox.xds.scope import Scope
from meshctl.sandbox.xds.secrets import ROOT, WORKLOAD, agent_secret, credential
from meshctl.sandbox.xds.service import Origin

PEER_EXCHANGE, IN_MESH, HTTP2 = "istio-peer-exchange", "istio", "h2"
ORIGINATING = ("SIMPLE", "MUTUAL")
_SYSTEM_CA = "system"
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS of a cluster; `detected` where istiod chose mutual TLS, host by host, unasked.

    `defaults` are the mesh's cipher suites and curves for TLS that leaves the mesh.
    """

    settings: Settings
    names: tuple[str, ...]
    sni: str
    detected: bool = False
    defaults: Settings = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL."""
        return self.settings.get("mode") or "DISABLE"

    @property
    def automatic(self) -> Json | None:
        """Name and verification by the request's host, for originated TLS that states none."""
        if self.mode not in ORIGINATING or self.settings.get("sni"):
            return None
        verified = not self.settings.get("subjectAltNames") and not self.settings.get("insecureSkipVerify")
        return {"auto_sni": True} | ({"auto_san_validation": True} if verified else {})


def of(view: Scope, cluster: Outbound) -> Tls | None:
    """The TLS settings of a cluster; None for plain text."""
    settings = cluster.setting("tls")
    if cluster.sni_dnat or (settings is not None and _is_withheld(view, cluster, settings)):
        return None
    accounts = view.mesh.registry.service_accounts(cluster.service)
    if settings is None:
        mode = {"mode": "ISTIO_MUTUAL"}
        return Tls(mode, accounts, cluster.sni, detected=True) if _is_expected(view, cluster) else None
    stated = tuple(settings.get("subjectAltNames") or ())
    if settings.get("mode") == "ISTIO_MUTUAL":
        return Tls(settings, stated or accounts, settings.get("sni") or cluster.sni)
    fallback = accounts if cluster.service.origin is Origin.EXTERNAL else ()
    defaults = view.mesh.config.raw.get("tlsDefaults") or {}
    return Tls(settings, stated or fallback, settings.get("sni") or "", defaults=defaults)


def _is_withheld(view: Scope, cluster: Outbound, settings: Settings) -> bool:
    """A Kubernetes Secret is for gateways; sidecars get it only from a rule that selects them."""
    name = settings.get("credentialName") or ""
    if not name or name.startswith("configmap://") or not view.proxy.is_sidecar:
        return False
    selected = cluster.rule is not None and cluster.rule.workload_labels is not None
    return settings.get("mode") in ORIGINATING and not selected


def _is_expected(view: Scope, cluster: Outbound) -> bool:
    """Whether the service's servers are thought to take mutual TLS (Istio BestEffortInferServiceMTLSMode)."""
    if cluster.service.mesh_external or not view.mesh.config.auto_mtls:
        return False
    if cluster.service.headless or _is_passthrough(cluster):
        servers = list(endpoints_of_port(view, _whole(cluster)))
        if not servers or any(server.tls_mode == "disabled" for server in servers):
            return False
    return view.mesh.peer_authentications.namespace_mode(cluster.service.namespace) is not MutualTls.DISABLE


def _is_passthrough(cluster: Outbound) -> bool:
    return ((cluster.stated or {}).get("loadBalancer") or {}).get("simple") == "PASSTHROUGH"


def _whole(cluster: Outbound) -> Outbound:
    return Outbound(cluster.service, cluster.port, cluster.discovery)


def fields(cluster: Outbound, tls: Tls | None, *, http2: bool) -> Json:
    """The cluster's `transport_socket`, or `transport_socket_matches` where hosts differ."""
    context = None if tls is None else _context(tls, http2=http2)
    if tls is None or context is None:
        return {}
    socket = extension("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
    socket["typed_config"].update(context)
    if not tls.detected or cluster.discovery is Discovery.ORIGINAL_DST:
        return {"transport_socket": socket}
    matches = [
        {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": socket},
        {"name": "tlsMode-disabled", "match": {}, "transport_socket": raw_buffer()},
    ]
    return {"transport_socket_matches": matches}


def raw_buffer(name: str = "envoy.transport_sockets.raw_buffer") -> Json:
    """The transport socket of plain text."""
    return extension(name, "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")


def _context(tls: Tls, *, http2: bool) -> Json | None:
    if tls.mode == "ISTIO_MUTUAL":
        alpn = [PEER_EXCHANGE, IN_MESH, *([HTTP2] if http2 else [])]
        return _upstream(tls, alpn, [agent_secret(WORKLOAD)], _combined(tls.names, agent_secret(ROOT)))
    if tls.mode not in ORIGINATING:
        return None
    alpn = [HTTP2] if http2 else []
    return _upstream(tls, alpn, _certificates(tls), _validation(tls))


def _upstream(tls: Tls, alpn: list[str], certificates: list[Json], validation: Json) -> Json:
    context = message(
        alpn_protocols=alpn,
        tls_params=message(
            tls_minimum_protocol_version="TLSv1_2",
            tls_maximum_protocol_version="TLSv1_3",
            ecdh_curves=tls.defaults.get("ecdhCurves"),
            cipher_suites=tls.defaults.get("cipherSuites"),
        ),
        tls_certificate_sds_secret_configs=certificates,
    )
    return message(sni=tls.sni, common_tls_context=context | validation)


def _certificates(tls: Tls) -> list[Json]:
    if tls.mode != "MUTUAL":
        return []
    name = tls.settings.get("credentialName")
    if name:
        return [credential(name)]
    certificate, key = tls.settings.get("clientCertificate"), tls.settings.get("privateKey")
    return [agent_secret(f"file-cert:{certificate}~{key}")]


def _validation(tls: Tls) -> Json:
    settings, name = tls.settings, tls.settings.get("credentialName")
    if settings.get("insecureSkipVerify"):
        return {} if name else {"validation_context": {}}
    if name:
        return _combined(tls.names, credential(f"{name}-cacert"))
    path = settings.get("caCertificates") or _SYSTEM_CA
    revoked = {"crl": {"filename": settings["caCrl"]}} if settings.get("caCrl") else {}
    return _combined(tls.names, agent_secret(f"file-root:{path}"), revoked)


def _combined(names: Sequence[str], root: Json, more: Json | None = None) -> Json:
    own = message(match_subject_alt_names=[{"exact": name} for name in names]) | (more or {})
    return {
        "combined_validation_context": {
            "default_validation_context": own,
            "validation_context_sds_secret_config": root,
        }
    }


def proxy_protocol(transport: Json, settings: Settings | None) -> Json:
    """The same transport behind a PROXY protocol header, if the rule wants one."""
    if settings is None:
        return transport
    version = settings.get("version")
    config = {"version": version} if version == "V2" else {}
    if "transport_socket_matches" in transport:
        matches = transport["transport_socket_matches"]
        wrapped = [match | {"transport_socket": _announced(match["transport_socket"], config)} for match in matches]
        return {"transport_socket_matches": wrapped}
    return {"transport_socket": _announced(transport.get("transport_socket") or raw_buffer("raw_buffer"), config)}


def _announced(socket: Json, config: Json) -> Json:
    return extension(
        "envoy.transport_sockets.upstream_proxy_protocol",
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config=config,
        transport_socket=socket,
    )
