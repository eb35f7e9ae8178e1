"""Which representation a client gets: k8s.io/apiserver/pkg/endpoints/handlers/negotiation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from meshctl.sandbox.apiserver.failure import not_acceptable, only_accepted

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
OFFERED = (JSON, YAML, PROTOBUF)
STREAMED = (JSON, PROTOBUF)
TRANSFORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of an Accept header."""

    media: str
    quality: float
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """A parameter's value, or nothing."""
        return dict(self.parameters).get(name, "")


@dataclass(frozen=True, slots=True)
class Media:
    """The representation agreed on: content type, and the kind and version to transform the answer into."""

    type: str = JSON
    transform: str = ""
    version: str = "v1"
    pretty: bool = False

    @property
    def table(self) -> bool:
        """Whether rows are wanted."""
        return self.transform == "Table"

    @property
    def metadata_only(self) -> bool:
        """Whether only metadata is wanted."""
        return self.transform.startswith("Partial")


def clauses(accept: str) -> list[Clause]:
    """The header's parts, best first."""
    parts = [_clause(part) for part in accept.split(",") if part.strip()]
    return sorted(parts, key=lambda part: (-part.quality, part.media.startswith("*"), part.media.endswith("/*")))


def _clause(text: str) -> Clause:
    media, *rest = (piece.strip() for piece in text.split(";"))
    parameters = tuple((name.strip(), value.strip()) for name, _, value in (piece.partition("=") for piece in rest))
    return Clause(media, _quality(dict(parameters).get("q", "1")), parameters)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def negotiate(accept: str | None, offered: Sequence[str] = OFFERED, stream: bool = False) -> Media:
    """The first acceptable representation; Failure 406 in one of its two wordings if there is none."""
    parts = clauses(accept or "*/*")
    if not any(part.media == "*/*" or part.media in offered for part in parts):
        raise not_acceptable(offered)
    usable = [media for media in offered if media in STREAMED] if stream else offered
    for part in parts:
        for media in usable:
            if part.media in (media, "*/*", "application/*") and (agreed := _transformed(part, media)):
                return agreed
    raise only_accepted([f"{media};stream=watch" for media in usable] if stream else usable)


def _transformed(part: Clause, media: str) -> Media | None:
    kind, group, version = part.get("as"), part.get("g"), part.get("v")
    if not (kind or group or version):
        return Media(media, pretty=part.get("pretty") == "1")
    known = group == "meta.k8s.io" and version in ("v1", "v1beta1") and kind in TRANSFORMS
    if not known or (kind == "Table" and media == PROTOBUF):
        return None
    return Media(media, kind, version)


def accepts(accept: str | None, media: str) -> bool:
    """Whether a plain answer of that type is welcome, too."""
    parts = clauses(accept or "*/*")
    return any(part.media in (media, "*/*") and not part.get("as") for part in parts)


def of_failure(accept: str | None) -> Media:
    """How to say no to a client: as it asked, else JSON."""
    first = next((part.media for part in clauses(accept or "*/*") if part.media in (*OFFERED, "*/*")), JSON)
    return Media(JSON if first == "*/*" else first)


def prettified(media: Media, parameter: str, agent: str) -> Media:
    """With indentation where a person reads: `pretty=true`, curl, wget, a browser."""
    wanted = parameter.lower() in ("1", "t", "true") if parameter else agent.startswith(("curl", "Wget", "Mozilla/5.0"))
    return replace(media, pretty=media.pretty or wanted)
