"""What differs between releases of Istio, and of the Envoy in each, as far as endpoints and their shares go."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """`1.minor`. The course's is 1.11; what isn't said otherwise is as in 1.31."""

    minor: int = 31

    @property
    def sends_unready(self) -> bool:
        """Whether pods that aren't ready stay in the table, UNHEALTHY (istiod 1.31 sends them, 1.30.3 doesn't)."""
        return self.minor >= 31

    @property
    def panic_percent(self) -> int:
        """The panic threshold of a cluster without outlierDetection: Envoy's 50 until 1.31 set 0 everywhere."""
        return 0 if self.minor >= 31 else 50

    @property
    def retries_503(self) -> bool:
        """Whether the default retry policy repeats an answered 503 (Istio 1.24 took that out)."""
        return self.minor < 24

    @property
    def always_ejects_one(self) -> bool:
        """Whether one host is ejected whatever the limit says (Envoy before 1.28, which came with Istio 1.20)."""
        return self.minor < 20

    @property
    def ranks_labels(self) -> bool:
        """Whether there is a failoverPriority (Istio 1.12)."""
        return self.minor >= 12

    @property
    def weighs_any_failover(self) -> bool:
        """Whether failover without outlierDetection makes group weights count (Istio 1.11.2, core/v1alpha3)."""
        return self.minor < 12

    @property
    def scales_by_own_network(self) -> bool:
        """Whether weights are scaled less for proxies of a network with several gateways (1.11.2, ep_filters.go)."""
        return self.minor < 12

    def __str__(self) -> str:
        return f"1.{self.minor}"


CURRENT = Release()


def release(version: str) -> Release:
    """The release of a version such as 1.31.0."""
    return Release(int(version.split(".")[1]))
