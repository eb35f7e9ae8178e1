"""A server with Istio's definitions, for whoever only adds objects of a namespace of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meshctl.sandbox.apiserver.validation import istio_crds
from tests.sandbox.apiserver.conversation.stage import Stage
from tests.sandbox.apiserver.process import Server


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("mesh")
    with Server(directory / "server", pod_service_accounts=False, collects=False) as server:
        stage = Stage(server, directory / "stage")
        for definition in istio_crds():
            stage.admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
        yield stage
