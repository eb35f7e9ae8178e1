"""What labs say to people: a YAML file for each lab and language, with the clusters' names filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

import yaml

from meshctl.labs.cast import Cast

DEFAULT_LANGUAGE = "en"
FOLDER = "texts"


@dataclass(frozen=True, slots=True)
class ActText:
    """`claim`: what the course says of it, where that no longer holds; `why`: why the mesh does what it does."""

    title: str
    why: str = ""
    claim: str = ""


@dataclass(frozen=True, slots=True)
class LabText:
    """A lab's words; `cues` are the titles of its timeline's."""

    title: str
    teaches: str
    acts: Mapping[str, ActText]
    cues: Mapping[str, str] = field(default_factory=dict)


def read(name: str, cast: Cast | None, language: str | None = None) -> LabText:
    """A lab's text in a language (`MESHCTL_LANGUAGE`, else English), English where it has no other.

    Without a cast the clusters are called by their parts.
    """
    wanted = language or os.environ.get("MESHCTL_LANGUAGE") or DEFAULT_LANGUAGE
    folder = resources.files("meshctl.labs") / FOLDER
    file = folder / wanted / f"{name}.yaml"
    if not file.is_file():
        file = folder / DEFAULT_LANGUAGE / f"{name}.yaml"
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    words = _Words(cast.words if cast else {})
    acts = {
        key: ActText(**{part: _filled(text, words) for part, text in act.items()}) for key, act in found["acts"].items()
    }
    cues = {key: _filled(text, words) for key, text in (found.get("cues") or {}).items()}
    return LabText(_filled(found["title"], words), _filled(found["teaches"], words), acts, cues)


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        part, _, what = key.partition("_")
        return f"the {part} cluster's {what}" if what else f"the {part} cluster"


def _filled(text: str, words: _Words) -> str:
    return " ".join(text.split()).format_map(words)
