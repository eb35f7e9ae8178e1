from pathlib import Path

import pytest

from meshctl.sandbox.apiserver.patch import kinds
from meshctl.sandbox.apiserver.patch.kinds import generate, openapi
from meshctl.sandbox.apiserver.patch.schema import ANYTHING, Schema, builtin, custom

PROTO = """
package k8s.io.api.toys.v1;

// A ball.
// +structType=atomic
message Ball {
  // +optional
  optional string colour = 1;
}

message Toy {
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta metadata = 1;

  // +listType=map
  // +listMapKey=colour
  repeated Ball balls = 2;

  optional Source source = 3;

  map<string, int32> counts = 4;

  // +default="new"
  optional string state = 5;
}
"""
GO = """
const GroupName = "toys.example"

type Ball struct {
\tColour string `json:"colour,omitempty" protobuf:"bytes,1,opt,name=colour"`
}

type Toy struct {
\tmetav1.TypeMeta   `json:",inline"`
\tmetav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
\tBalls []Ball `json:"balls" patchStrategy:"merge" patchMergeKey:"colour" protobuf:"bytes,2,rep,name=balls"`
\tSource `json:",inline" protobuf:"bytes,3,opt,name=source"`
\tCounts map[string]int32 `json:"counts,omitempty" protobuf:"bytes,4,rep,name=counts"`
\tState *string `json:"state,omitempty" protobuf:"bytes,5,opt,name=state"`
}
"""


def test_the_table_is_read_from_proto_and_go_files(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    folder.mkdir()
    (folder / "generated.proto").write_text(PROTO)
    (folder / "types.go").write_text(GO)
    messages, found = generate.package_table(folder)
    assert found == {"toys.example/v1/Toy": "io.k8s.api.toys.v1.Toy"}
    assert messages["io.k8s.api.toys.v1.Ball"]["mapType"] == "atomic"
    toy = messages["io.k8s.api.toys.v1.Toy"]["fields"]
    assert toy["metadata"] == {"n": 1, "t": f"{kinds.META}.ObjectMeta", "p": "omit"}
    assert toy["balls"] == {
        "n": 2,
        "t": "io.k8s.api.toys.v1.Ball",
        "rep": 1,
        "p": "always",
        "list": "map",
        "keys": ["colour"],
        "merge": "colour",
        "strategy": "merge",
    }
    assert toy["source"]["inline"] == 1
    assert toy["counts"] == {"n": 4, "t": "int32", "map": "string", "p": "omit"}
    assert toy["state"] == {"n": 5, "t": "string", "p": "pointer", "default": "new"}


@pytest.mark.parametrize("key", ["v1/Pod", "apps/v1/Deployment", "discovery.k8s.io/v1/EndpointSlice", "batch/v1/Job"])
def test_every_reference_of_a_kind_resolves(key: str) -> None:
    seen: set[str] = set()

    def visit(schema: Schema) -> None:
        reference = schema.node.get("$ref")
        if reference in seen:
            return
        if reference:
            seen.add(reference)
        if schema.map:
            for child in (*schema.map.fields.values(), *filter(None, [schema.map.other])):
                if child is not ANYTHING:
                    visit(child)
        elif schema.list:
            visit(schema.list.item)

    api_version, _, kind = key.rpartition("/")
    root = builtin(api_version, kind)
    assert root is not None
    visit(root)
    assert f"{openapi.REF}{kinds.OBJECT_META}" in seen


def test_options_belong_to_every_group() -> None:
    assert kinds.type_name("apps/v1", "DeleteOptions") == f"{kinds.META}.DeleteOptions"
    assert kinds.type_name("apps/v1", "Nothing") is None


def test_definitions_carry_the_markers_of_kubernetes_openapi() -> None:
    ports = openapi.definition("io.k8s.api.core.v1.ServiceSpec")["properties"]["ports"]
    assert ports["x-kubernetes-list-map-keys"] == ["port", "protocol"]
    assert ports["x-kubernetes-patch-merge-key"] == "port"
    assert openapi.definition("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")["x-kubernetes-map-type"] == "atomic"
    volume = openapi.definition("io.k8s.api.core.v1.Volume")["properties"]
    assert {"name", "configMap", "emptyDir"} <= volume.keys()


def test_openapi_v3_references_are_followed() -> None:
    definitions = {"Inner": {"type": "object", "properties": {"x": {"type": "string"}}}}
    node = {"type": "object", "properties": {"inner": {"allOf": [{"$ref": "Inner"}], "default": {}}}}
    schema = Schema(node, lambda name: definitions[name])
    assert schema.map is not None
    inner = schema.map.fields["inner"].map
    assert inner is not None
    assert inner.fields["x"].scalar == "string"


def test_a_custom_resource_knows_object_metadata() -> None:
    root = custom({"type": "object", "properties": {"metadata": {"type": "object"}}}).map
    assert root is not None
    metadata = root.fields["metadata"].map
    assert metadata is not None
    assert metadata.fields["ownerReferences"].list is not None
