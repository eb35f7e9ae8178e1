"""Objects as text: compact or indented JSON, YAML as go-yaml writes it, and protobuf."""

from __future__ import annotations

import json
from typing import Any

import yaml

from meshctl.sandbox.apiserver.negotiation import PROTOBUF, YAML, Media
from meshctl.sandbox.apiserver.patch import protobuf
from meshctl.sandbox.apiserver.storage.revision import dump

TEXT = "tag:yaml.org,2002:str"
AMBIGUOUS = frozenset(["y", "Y", "n", "N"])


class _Dumper(yaml.CSafeDumper):
    """Quotes as go-yaml does: double where plain text would be read as something else."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    if "\n" in value:
        return dumper.represent_scalar(TEXT, value, style="|")
    tag: str = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    plain = tag == TEXT and value not in AMBIGUOUS
    return dumper.represent_scalar(TEXT, value, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def to_yaml(value: object) -> bytes:
    """YAML with sorted keys."""
    return bytes(yaml.dump(value, Dumper=_Dumper, allow_unicode=True, encoding="utf-8"))


def encode(obj: dict[str, Any], media: Media) -> tuple[bytes, str]:
    """The document and its content type; what has no protobuf form goes as JSON."""
    if media.type == YAML:
        return to_yaml(obj), YAML
    if media.type == PROTOBUF and (packed := to_protobuf(obj)) is not None:
        return packed, PROTOBUF
    if media.pretty:
        return json.dumps(obj, indent=2, ensure_ascii=False).encode() + b"\n", "application/json"
    return dump(obj) + b"\n", "application/json"


def to_protobuf(obj: dict[str, Any]) -> bytes | None:
    """The object as a runtime.Unknown message; None if its kind has no such form."""
    try:
        return protobuf.encode({"apiVersion": "v1", **obj})
    except protobuf.Malformed:
        return None
