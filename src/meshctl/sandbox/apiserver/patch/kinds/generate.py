"""Writes `kinds.json.gz` from the generated.proto and Go source files of the Kubernetes API modules.

    python -m meshctl.sandbox.apiserver.patch.kinds.generate

Needs the `go` command, which downloads the modules. The result restates facts of these Apache-2.0 licensed files
(see NOTICE): for each message its fields with number, type, JSON name, presence, and patch and list markers.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "v0.36.1"
PACKAGES = {
    "k8s.io/apimachinery": (
        "pkg/apis/meta/v1",
        "pkg/runtime",
        "pkg/util/intstr",
        "pkg/api/resource",
    ),
    "k8s.io/api": (
        "core/v1",
        "admissionregistration/v1",
        "apps/v1",
        "authentication/v1",
        "authorization/v1",
        "autoscaling/v1",
        "autoscaling/v2",
        "batch/v1",
        "certificates/v1",
        "coordination/v1",
        "discovery/v1",
        "events/v1",
        "flowcontrol/v1",
        "networking/v1",
        "node/v1",
        "policy/v1",
        "rbac/v1",
        "resource/v1",
        "scheduling/v1",
        "storage/v1",
    ),
    "k8s.io/apiextensions-apiserver": ("pkg/apis/apiextensions/v1",),
    "k8s.io/kube-aggregator": ("pkg/apis/apiregistration/v1",),
}
SCALARS = {"string", "bytes", "bool", "double", "int32", "int64", "uint32", "uint64"}

MESSAGE = re.compile(r"((?:^//[^\n]*\n)*)^message (\w+) \{\n(.*?)^\}", re.M | re.S)
PROTO_FIELD = re.compile(r"((?:^ *//.*\n)*)^ *(optional|repeated|map<(\w+), *([\w.]+)>) ?([\w.]*) (\w+) = (\d+);", re.M)
GO_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
GO_FIELD = re.compile(r"^\t(?:(\w+)[ \t]+)?([*\[\]\w.]+)[ \t]+`([^`]*)`", re.M)
MARKER = re.compile(r"^ *// *\+(\w+)=(.*?) *$", re.M)
GROUP = re.compile(r'^const GroupName = "(.*)"', re.M)


def module_folder(module: str) -> Path:
    done = subprocess.run(["go", "mod", "download", "-json", f"{module}@{VERSION}"], check=True, capture_output=True)
    return Path(json.loads(done.stdout)["Dir"])


def go_tags(folder: Path) -> dict[str, dict[str, tuple[str, str, str]]]:
    """For each struct: protobuf name -> (Go type, json tag, whole tag); `TypeMeta` stands for itself."""
    structs: dict[str, dict[str, tuple[str, str, str]]] = {}
    for file in sorted(folder.glob("*.go")):
        if file.name.startswith(("generated.", "zz_generated")) or file.name.endswith("_test.go"):
            continue
        for name, body in GO_STRUCT.findall(file.read_text()):
            structs[name] = dict(_tagged(body))
    return structs


def _tagged(body: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    for _, go_type, tag in GO_FIELD.findall(body):
        written = re.search(r'json:"([^"]*)"', tag)
        if not written:
            continue
        numbered = re.search(r"name=(\w+)", tag)
        yield numbered[1] if numbered else embedded_name(go_type), (go_type, written[1], tag)


def embedded_name(go_type: str) -> str:
    """The protobuf name of an embedded struct without one of its own; `TypeMeta` stays as it is."""
    name = go_type.rpartition(".")[2]
    return name if name == "TypeMeta" else name[0].lower() + name[1:]


def field(proto: tuple[str, ...], tags: dict[str, tuple[str, str, str]], package: str) -> tuple[str, dict[str, Any]]:
    comment, label, key_type, value_type, plain_type, name, number = proto
    go_type, written, tag = tags.get(name, ("", name, ""))
    json_name, *options = written.split(",")
    entry: dict[str, Any] = {"n": int(number), "t": full_name(value_type or plain_type, package)}
    if key_type:
        entry["map"] = key_type
    elif label == "repeated":
        entry["rep"] = 1
    if "inline" in options or (written.startswith(",") and not json_name):
        entry["inline"] = 1
    entry["p"] = presence(go_type, options)
    entry.update(markers(comment, tag))
    return json_name or name, entry


def presence(go_type: str, options: list[str]) -> str:
    """`pointer` (left out when nil), `null` (a pointer that is written all the same), `omit`, `omitzero`, `always`."""
    if go_type.startswith("*"):
        return "pointer" if {"omitempty", "omitzero"} & set(options) else "null"
    if "omitzero" in options:
        return "omitzero"
    return "omit" if "omitempty" in options else "always"


def markers(comment: str, tag: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in MARKER.findall(comment):
        match name:
            case "listType":
                found["list"] = value
            case "listMapKey":
                found.setdefault("keys", []).append(value)
            case "mapType" | "structType":
                found["mapType"] = value
            case "default" if not value.startswith("ref("):
                found["default"] = json.loads(value)
    for short, long in (("merge", "patchMergeKey"), ("strategy", "patchStrategy")):
        if written := re.search(long + r':"([^"]*)"', tag):
            found[short] = written[1]
    return found


def full_name(proto_type: str, package: str) -> str:
    """The OpenAPI name of a type: `.k8s.io.api.core.v1.Pod` -> `io.k8s.api.core.v1.Pod`."""
    if proto_type in SCALARS:
        return proto_type
    name = proto_type.removeprefix(".") if "." in proto_type else f"{package}.{proto_type}"
    return re.sub(r"^k8s\.io", "io.k8s", name).replace("_", "-")


def package_table(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Messages by OpenAPI name, and OpenAPI names by `apiVersion/Kind`."""
    proto, tags = (folder / "generated.proto").read_text(), go_tags(folder)
    package = re.findall(r"^package ([\w.]+);", proto, re.M)[0]
    messages, kinds = {}, {}
    for comment, name, body in MESSAGE.findall(proto):
        known = tags.get(name, {})
        fields = dict(field(found, known, package) for found in PROTO_FIELD.findall(body))
        message: dict[str, Any] = {"fields": fields}
        if (flavour := markers(comment, "").get("mapType")) is not None:
            message["mapType"] = flavour
        if name not in tags and list(fields) == ["items"]:
            message["alias"] = 1
        messages[full_name(name, package)] = message
        if "TypeMeta" in known:
            kinds[name] = full_name(name, package)
    group = [found for file in folder.glob("*.go") for found in GROUP.findall(file.read_text())]
    version = f"{group[0]}/{folder.name}".lstrip("/") if group else ""
    return messages, {f"{version}/{kind}": name for kind, name in kinds.items() if version}


def main() -> None:
    messages: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for module, packages in PACKAGES.items():
        folder = module_folder(module)
        for package in packages:
            found, named = package_table(folder / package)
            messages |= found
            kinds |= named
    table = {"version": VERSION, "kinds": kinds, "messages": messages}
    text = json.dumps(table, separators=(",", ":"), sort_keys=False)
    target = Path(__file__).with_name("kinds.json.gz")
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
