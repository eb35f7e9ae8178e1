import sys

import pytest

from meshctl.sandbox.kubelet import images


@pytest.mark.parametrize(
    "reference",
    [
        "docker.io/istio/examples-bookinfo-reviews-v2:1.20.3",
        "examples-bookinfo-reviews-v2",
        "localhost:5000/examples-bookinfo-reviews-v2@sha256:00",
    ],
)
def test_the_repository_name_decides(reference: str) -> None:
    found = images.find(reference)
    assert found
    assert found.argv((), ())[-2:] == ("meshctl.sandbox.bookinfo", "reviews")
    assert found.environment["SERVICE_VERSION"] == "v2"


@pytest.mark.parametrize("reference", ["foo/bar:1", "nginxinc/unknown", "examples-bookinfo-mysqldb:1"])
def test_an_image_without_a_program_is_not_found(reference: str) -> None:
    assert images.find(reference) is None


def test_a_command_replaces_the_images_and_arguments_only_its_words() -> None:
    pilot = images.find("istio/pilot:1.31.0")
    assert pilot
    assert pilot.argv((), ("discovery", "--x")) == (
        *(sys.executable, "-P", "-m", "meshctl.sandbox.xds", "serve"),
        *("discovery", "--x"),
    )
    assert pilot.argv(("sh", "-c"), ("true",)) == ("sh", "-c", "true")
