from pathlib import Path
from typing import Any

import pytest

from meshctl.sandbox.kubelet import payload, volumes
from meshctl.sandbox.kubelet.environment import MissingConfig
from meshctl.sandbox.kubelet.payload import File

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"b": "2", "a": "1"}},
    "spec": {"containers": [{"name": "c"}]},
}
OBJECTS = {("secrets", "ns", "s"): {"data": {"tls.crt": "Yw==", "tls.key": "aw=="}}}


def files(volume: dict[str, Any]) -> dict[str, File]:
    return volumes.files(volume, POD, lambda *key: OBJECTS.get(key))


def test_items_choose_and_rename_entries_and_modes() -> None:
    items = [{"key": "tls.key", "path": "keys/one", "mode": 0o400}]
    assert files({"secret": {"secretName": "s", "defaultMode": 0o440, "items": items}}) == {
        "keys/one": File(b"k", 0o400)
    }
    assert files({"secret": {"secretName": "s", "defaultMode": 0o440}})["tls.crt"] == File(b"c", 0o440)


def test_a_projected_volume_joins_its_sources() -> None:
    label = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    token = {"serviceAccountToken": {"audience": "istio-ca", "expirationSeconds": 43200, "path": "token"}}
    volume = {"projected": {"sources": [{"downwardAPI": {"items": [label]}}, {"secret": {"name": "s"}}, token]}}
    assert files(volume) == {"labels": File(b'a="1"\nb="2"'), "tls.crt": File(b"c"), "tls.key": File(b"k")}
    assert volumes.tokens(volume) == [volumes.TokenRequest("token", "istio-ca", 43200, 0o644)]


def test_a_missing_object_is_an_error_unless_it_is_optional() -> None:
    with pytest.raises(MissingConfig, match='configmap "no" not found'):
        files({"configMap": {"name": "no"}})
    assert files({"configMap": {"name": "no", "optional": True}}) == {}


@pytest.mark.parametrize(
    ("spec", "owner"),
    [
        ({"containers": [{"securityContext": {"runAsUser": 1337}}]}, (1337, 0, 0o600)),
        ({"containers": [{"securityContext": {"runAsUser": 1337}}, {}]}, (0, 0, 0o644)),
        ({"containers": [{}, {}], "securityContext": {"fsGroup": 7}}, (0, 7, 0o640)),
    ],
)
def test_a_token_is_readable_by_those_who_run_in_the_pod(spec: dict[str, Any], owner: tuple[int, int, int]) -> None:
    assert volumes.owner({"metadata": {}, "spec": spec}) == owner


def test_files_are_exchanged_as_a_whole(tmp_path: Path) -> None:
    assert payload.write(tmp_path / "v", {"a": File(b"1"), "d/b": File(b"2", 0o400)})
    assert not payload.write(tmp_path / "v", {"a": File(b"1"), "d/b": File(b"2", 0o400)})
    before = (tmp_path / "v/..data").readlink()
    assert payload.write(tmp_path / "v", {"a": File(b"3")})
    assert (tmp_path / "v/a").read_bytes() == b"3"
    assert (tmp_path / "v/..data").readlink() != before
    assert sorted(one.name for one in (tmp_path / "v").iterdir() if not one.name.startswith("..")) == ["a"]
