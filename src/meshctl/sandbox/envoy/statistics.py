"""Which of Envoy's statistics a proxy keeps: few, as each costs memory in every proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshctl.sandbox.envoy.identity import Json

_PREFIXES = ("reporter=", "cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm", "component")
# Beyond Istio's: what the labs look at, connection pools, ejections, retries, mutual TLS.
_SUFFIXES = ("rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied", "downstream_cx_active")
_LABS = (
    r"^cluster\.(outbound|inbound).*\.(upstream_rq_(total|pending_overflow|retry|5xx|2xx)|upstream_cx_(total|active|overflow))$",
    r"^cluster\.outbound.*\.outlier_detection\.ejections_(active|enforced_total)$",
    r"^cluster\.outbound.*\.ssl\.handshake$",
)
_ANNOTATION = "sidecar.istio.io/statsInclusion"


def config(annotations: Mapping[str, str]) -> Json:
    """The `stats_config`; a pod adds to it by `sidecar.istio.io/statsInclusion{Prefixes,Suffixes,Regexps}`."""
    patterns = [
        *({"prefix": text} for text in (*_PREFIXES, *_listed(annotations, "Prefixes"))),
        *({"suffix": text} for text in (*_SUFFIXES, *_listed(annotations, "Suffixes"))),
        *({"safe_regex": {"regex": text}} for text in (*_LABS, *_listed(annotations, "Regexps"))),
    ]
    return {"use_all_default_tags": False, "stats_matcher": {"inclusion_list": {"patterns": patterns}}}


def _listed(annotations: Mapping[str, str], kind: str) -> Iterator[str]:
    return (text.strip() for text in annotations.get(f"{_ANNOTATION}{kind}", "").split(",") if text.strip())
