"""Pods are found by the names that people give them; wrong names are answered with right ones."""

from __future__ import annotations

import pytest

from meshctl.errors import UsageError
from meshctl.mesh import naming
from meshctl.mesh.clusters import Survey
from tests.mesh.pods import made

PRODUCT1 = made("c1", "productpage-v1-5d6f-aaaaa", "productpage-v1")
PRODUCT2 = made("c2", "productpage-v1-5d6f-bbbbb", "productpage-v1")
REVIEWS = made("c1", "reviews-v1-5d6f-ccccc", "reviews-v1")
STARTING = made("c1", "reviews-v1-5d6f-00000", "reviews-v1", ready=False)
BARE = made("c1", "ghost-v1-5d6f-ddddd", "ghost-v1", containers=("ghost",))
GATEWAY = made("c2", "istio-ingressgateway-5d6f-eeeee", "istio-ingressgateway", namespace="istio-system")
SURVEY = Survey((PRODUCT1, PRODUCT2, REVIEWS, STARTING, BARE, GATEWAY), {"c3": "does not answer"})


@pytest.mark.parametrize(
    "name",
    [
        "productpage-v1-5d6f-aaaaa",
        "productpage-v1-5d6f-aaaaa.istio",
        "istio/productpage-v1-5d6f-aaaaa",
        "c1/productpage-v1-5d6f-aaaaa",
        "c1/istio/productpage-v1-5d6f-aaaaa",
        "c1/productpage-v1",
        "c1/istio/productpage-v1",
        "c1/deploy/productpage-v1",
        "c1/deployment/productpage-v1.istio",
    ],
)
def test_a_pod_has_many_names(name: str) -> None:
    assert naming.find(SURVEY, name) == PRODUCT1


def test_a_gateway_is_found_by_its_deployment() -> None:
    assert naming.find(SURVEY, "deploy/istio-ingressgateway", proxies=True) == GATEWAY


def test_of_a_deployment_a_ready_pod_is_taken() -> None:
    assert naming.find(SURVEY, "deploy/reviews-v1") == REVIEWS


def test_a_name_of_several_is_answered_with_all_of_them() -> None:
    with pytest.raises(UsageError, match="c1/istio/productpage-v1-5d6f-aaaaa, c2/istio/productpage-v1-5d6f-bbbbb"):
        naming.find(SURVEY, "deploy/productpage-v1")


def test_an_unknown_name_is_answered_with_its_likes() -> None:
    with pytest.raises(UsageError, match="did you mean c1/istio/reviews-v1-5d6f-ccccc") as refused:
        naming.find(SURVEY, "c1/deploy/reveiws-v1")
    assert "c3 could not be asked: does not answer" in str(refused.value)


def test_a_pod_without_a_proxy_is_none() -> None:
    assert naming.find(SURVEY, "ghost-v1") == BARE
    with pytest.raises(UsageError, match="proxy 'ghost-v1' is unknown"):
        naming.find(SURVEY, "ghost-v1", proxies=True)


def test_every_wrong_name_is_told_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        naming.find_all(SURVEY, ["nope", "c1/reviews-v1-5d6f-ccccc", "neither"])
    assert len(str(refused.value).splitlines()) == 2


def test_an_unknown_container_is_answered_with_those_there_are() -> None:
    assert naming.container(PRODUCT1, None) == "productpage"
    assert naming.container(PRODUCT1, "istio-proxy") == "istio-proxy"
    with pytest.raises(UsageError, match="expected productpage or istio-proxy"):
        naming.container(PRODUCT1, "proxy")
