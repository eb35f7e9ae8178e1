"""PeerAuthentications: which mutual TLS a server demands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from meshctl.sandbox.xds.configs import Config, selects
from meshctl.sandbox.xds.service import Labels


class MutualTls(Enum):
    """What a server accepts: plain text only, both, or mutual TLS only."""

    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@dataclass(frozen=True, slots=True)
class PeerAuthentications:
    """The policies by namespace, oldest first; at most one without selector in each."""

    root_namespace: str = "istio-system"
    by_namespace: Mapping[str, tuple[Config, ...]] = field(default_factory=dict)

    def namespace_mode(self, namespace: str) -> MutualTls:
        """The mode of a namespace, its own policy's or the mesh's; PERMISSIVE without either."""
        return self._whole_mode(namespace) or self._whole_mode(self.root_namespace) or MutualTls.PERMISSIVE

    def workload_mode(self, namespace: str, labels: Labels, port: int) -> MutualTls:
        """The mode of one port of a workload (Istio security/authn ComposePeerAuthentication)."""
        spec = self._selecting(namespace, labels)
        mode = _mode(spec.get("mtls")) or self.namespace_mode(namespace)
        ports = {int(number): mtls for number, mtls in (spec.get("portLevelMtls") or {}).items()}
        return _mode(ports.get(port)) or mode

    def ports(self, namespace: str, labels: Labels) -> frozenset[int]:
        """The ports of a workload that have a setting of their own."""
        return frozenset(map(int, self._selecting(namespace, labels).get("portLevelMtls") or {}))

    def _selecting(self, namespace: str, labels: Labels) -> Mapping[str, Any]:
        if namespace == self.root_namespace:
            return {}
        policies = (p for p in self.by_namespace.get(namespace, ()) if _selector(p))
        return next((p.spec for p in policies if selects(_selector(p), labels)), {})

    def _whole_mode(self, namespace: str) -> MutualTls | None:
        """The mode of a namespace's oldest policy without selector; None if there is none or UNSET."""
        policies = (p for p in self.by_namespace.get(namespace, ()) if not _selector(p))
        policy = next(policies, None)
        return _mode(policy.spec.get("mtls")) if policy else None


def index(configs: Iterable[Config], root_namespace: str) -> PeerAuthentications:
    """Index PeerAuthentications that come oldest first."""
    by_namespace: dict[str, list[Config]] = {}
    for config in configs:
        by_namespace.setdefault(config.namespace, []).append(config)
    return PeerAuthentications(root_namespace, {ns: tuple(group) for ns, group in by_namespace.items()})


def _selector(policy: Config) -> Labels:
    return (policy.spec.get("selector") or {}).get("matchLabels") or {}


def _mode(mtls: Mapping[str, Any] | None) -> MutualTls | None:
    mode = (mtls or {}).get("mode") or "UNSET"
    return None if mode == "UNSET" else MutualTls(mode)
