"""Every type that the control plane needs resolves in the installed Envoy."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool

from meshctl.sandbox.xds.istiod import descriptors
from meshctl.sandbox.xds.istiod.settings import parse


@pytest.fixture(scope="module")
def binary() -> Path:
    return parse([], {}).envoy


def test_every_type_of_the_binary_resolves(binary: Path, tmp_path: Path) -> None:
    found = descriptors.load(binary, tmp_path)
    names = {file.name for file in found.file}
    assert len(names) > 500
    assert not {wanted for file in found.file for wanted in file.dependency} - names
    pool: DescriptorPool = descriptors.pool(binary, tmp_path)
    for file in found.file:
        for message in file.message_type:
            full = f"{file.package}.{message.name}" if file.package else message.name
            assert pool.FindMessageTypeByName(full).full_name == full


def test_second_time_reads_the_cache(binary: Path, tmp_path: Path) -> None:
    first = descriptors.load(binary, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(descriptor_pb2.FileDescriptorSet(file=first.file[:1]).SerializeToString())
    assert len(descriptors.load(binary, tmp_path).file) == 1


def test_a_damaged_cache_is_made_anew(binary: Path, tmp_path: Path) -> None:
    descriptors.load(binary, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"\xff" * 10)
    assert len(descriptors.load(binary, tmp_path).file) > 500
