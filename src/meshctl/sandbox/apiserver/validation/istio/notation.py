"""The notation of the `api/*.api` files: the messages, enums and kinds of Istio's API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

SCALARS = frozenset({"string", "bool", "int32", "int64", "uint32", "uint64", "double", "bytes", "IntOrString"})
WRAPPERS = {"BoolValue": "bool", "Int32Value": "int32", "UInt32Value": "uint32", "DoubleValue": "double"}


@dataclass(frozen=True)
class Rule:
    """A CEL rule and what is said of a value that breaks it."""

    expression: str
    message: str


@dataclass(frozen=True)
class Field:
    """One field; `shape` is "one", "list" or "map", `limits` are OpenAPI's."""

    name: str
    type: str
    shape: str
    limits: dict[str, str]
    rules: tuple[str, ...]
    item_rules: tuple[str, ...]
    required: bool
    description: str

    @property
    def snake_name(self) -> str:
        """The field's name in protobuf, which JSON may use as well."""
        return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[a-z])([0-9]+(?=xx))", r"_\1\2", self.name).lower()


@dataclass(frozen=True)
class Message:
    """A message, its fields in protobuf order."""

    name: str
    full_name: str
    checks: tuple[str, ...] = ()
    oneofs: tuple[tuple[str, ...], ...] = ()
    fields: dict[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class Enum:
    """An enum; a value's index is its number."""

    full_name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A column that `kubectl get` shows."""

    name: str
    type: str
    path: str
    description: str


@dataclass(frozen=True)
class Kind:
    """A resource of which the spec is the message of the same name."""

    name: str
    group: str
    versions: tuple[str, ...]
    storage: str
    plural: str
    short_names: tuple[str, ...]
    about: str
    spec_required: bool
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Api:
    """All that the files say."""

    rules: dict[str, Rule]
    messages: dict[str, Message]
    enums: dict[str, Enum]
    kinds: dict[str, Kind]


@cache
def istio_api() -> Api:
    """The API of Istio 1.31."""
    folder = files(__package__).joinpath("api")
    texts = sorted((item.name, item.read_text()) for item in folder.iterdir() if item.name.endswith(".api"))
    return parse("\n".join(text for _, text in texts))


def parse(text: str) -> Api:
    """An API from its notation, as `api/types.api` describes it."""
    api = Api({}, {}, {}, {})
    package = ""
    for block in _blocks(text):
        word, _, rest = block[0].partition(" ")
        match word:
            case "package":
                package = rest
            case "rule":
                name, _, body = rest.partition(" ")
                api.rules[name] = Rule(*body.split(" => "))
            case "enum":
                name, full_name, *values = rest.split()
                api.enums[name] = Enum(_qualified(package, full_name), tuple(values))
            case "message":
                message = _message(package, rest.split(), block[1:])
                api.messages[message.name] = message
            case "kind":
                kind = _kind(rest.split(), block[1:])
                api.kinds[kind.name] = kind
    return api


def _blocks(text: str) -> list[list[str]]:
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("  "):
            blocks[-1].append(line.strip())
        elif line.strip() and not line.startswith("#"):
            blocks.append([line.strip()])
    return blocks


def _qualified(package: str, name: str) -> str:
    return name if name.startswith(("istio.", "envoy.")) else f"{package}.{name}"


def _message(package: str, words: list[str], lines: list[str]) -> Message:
    named = {word: [line.split()[1:] for line in lines if line.startswith(f"{word} ")] for word in ("check", "oneof")}
    fields = [_field(line) for line in lines if line.split()[0] not in named]
    return Message(
        name=words[0],
        full_name=_qualified(package, words[-1]),
        checks=tuple(name for names in named["check"] for name in names),
        oneofs=tuple(tuple(names) for names in named["oneof"]),
        fields={each.name: each for each in fields},
    )


def _field(line: str) -> Field:
    declared, _, description = line.partition(" -- ")
    name, kind, *words = declared.split()
    shape, inner = _shape(kind)
    pairs = [word.split("=", 1) for word in words if "=" in word]
    return Field(
        name=name,
        type=inner,
        shape=shape,
        limits={key: value for key, value in pairs if not key.endswith("rule")},
        rules=tuple(value for key, value in pairs if key == "rule"),
        item_rules=tuple(value for key, value in pairs if key == "each.rule"),
        required="required" in words,
        description=description,
    )


def _shape(kind: str) -> tuple[str, str]:
    if kind.startswith("[]"):
        return "list", kind[2:]
    if kind.startswith("map["):
        return "map", kind[4:-1]
    return "one", kind


def _kind(words: list[str], lines: list[str]) -> Kind:
    name, group, versions, plural, *short_names = words
    names = versions.split(",")
    return Kind(
        name=name,
        group=group,
        versions=tuple(version.rstrip("*") for version in names),
        storage=next((version.rstrip("*") for version in names if version.endswith("*")), names[0]),
        plural=plural,
        short_names=tuple(short_names),
        about=next(line.removeprefix("about ") for line in lines if line.startswith("about ")),
        spec_required="spec required" in lines,
        columns=tuple(_column(line.split(maxsplit=4)[1:]) for line in lines if line.startswith("column ")),
    )


def _column(words: list[str]) -> Column:
    if words == ["Age"]:
        return Column("Age", "date", ".metadata.creationTimestamp", "When the object was created.")
    return Column(*words)
