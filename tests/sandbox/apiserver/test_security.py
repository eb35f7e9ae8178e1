"""Who is let in, and to what; refusals in Kubernetes' words."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from meshctl.render import reader
from meshctl.render.remote_secret import READER
from meshctl.sandbox.apiserver.auth.jwt import Signer
from tests.sandbox.apiserver.process import Authority, Client, Server

SYSTEM = "/api/v1/namespaces/istio-system"
ACCOUNT = f"system:serviceaccount:istio-system:{READER}"
PATHS = {
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "ServiceAccount": f"{SYSTEM}/serviceaccounts",
    "Secret": f"{SYSTEM}/secrets",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with istio-reader's account."""
    with Server(tmp_path_factory.mktemp("server"), pod_service_accounts=False) as one:
        admin = one.client()
        admin.create("/api/v1/namespaces", {"metadata": {"name": "istio-system"}})
        for manifest in reader.manifests():
            admin.create(PATHS[manifest["kind"]], manifest)
        yield one


def bearer(server: Server, token: str) -> Client:
    return Client(server, server.pool(), {"Authorization": f"Bearer {token}"})


def token(server: Server, **spec: Any) -> str:
    """A token of istio-reader's by TokenRequest."""
    path = f"{SYSTEM}/serviceaccounts/{READER}/token"
    made = server.client().create(path, {"kind": "TokenRequest", "spec": spec})
    return str(made["status"]["token"])


def refusal(answer: tuple[int, Any]) -> tuple[int, str, str]:
    status, body = answer
    assert body["kind"] == "Status"
    return status, body["reason"], body["message"]


UNAUTHORIZED = (401, "Unauthorized", "Unauthorized")


def test_nobody_gets_in_without_credentials(server: Server) -> None:
    anonymous = Client(server, server.pool(), {})
    status, reason, message = refusal(anonymous.call("GET", "/api/v1/secrets"))
    assert (status, reason) == (403, "Forbidden")
    who = 'User "system:anonymous" cannot list resource "secrets"'
    assert message == f'secrets is forbidden: {who} in API group "" at the cluster scope'
    assert anonymous.raw("GET", "/readyz").status == anonymous.raw("GET", "/version").status == 200


@pytest.mark.parametrize("text", ["nonsense", "a.b.c", "", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."])
def test_a_token_that_is_none_is_refused(server: Server, text: str) -> None:
    answer = bearer(server, text).call("GET", "/api/v1/namespaces")
    assert answer[0] == (401 if text else 403)


def test_a_tampered_token_is_refused(server: Server) -> None:
    head, claims, signature = token(server).split(".")
    padded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    padded["sub"] = "system:serviceaccount:kube-system:admin"
    forged = base64.urlsafe_b64encode(json.dumps(padded).encode()).decode().rstrip("=")
    assert refusal(bearer(server, f"{head}.{forged}.{signature}").call("GET", "/api/v1/pods")) == UNAUTHORIZED


def test_another_clusters_certificate_is_refused(server: Server, tmp_path: Path) -> None:
    foreign = Authority(tmp_path / "other").issue("kubernetes-admin", "system:masters")
    client = Client(server, server.pool(foreign), {})
    try:
        answer = client.call("GET", "/api/v1/namespaces")
    except urllib3.exceptions.HTTPError:
        return
    assert refusal(answer) == UNAUTHORIZED


def test_an_expired_certificate_is_refused(server: Server) -> None:
    expired = server.authority.issue("late", "system:masters", lifetime=-timedelta(minutes=1))
    assert refusal(Client(server, server.pool(expired), {}).call("GET", "/api/v1/namespaces")) == UNAUTHORIZED


def test_a_certificates_groups_are_its_organizations(server: Server) -> None:
    good = server.authority.issue("somebody", "system:masters")
    assert Client(server, server.pool(good), {}).call("GET", "/api/v1/secrets")[0] == 200
    weak = server.authority.issue("nobody-else", "students")
    status, reason, message = refusal(Client(server, server.pool(weak), {}).call("GET", "/api/v1/secrets"))
    assert (status, reason) == (403, "Forbidden")
    assert 'User "nobody-else" cannot list resource "secrets"' in message


def test_the_reader_reads_what_istio_reads_and_writes_nothing(server: Server) -> None:
    client = bearer(server, token(server))
    for path in ("services", "endpoints", "pods", "nodes", "namespaces", "secrets", "configmaps"):
        assert client.call("GET", f"/api/v1/{path}")[0] == 200
    refused = refusal(client.call("POST", f"{SYSTEM}/secrets", {"metadata": {"name": "mine"}}))
    where = 'in API group "" in the namespace "istio-system"'
    said = f'secrets is forbidden: User "{ACCOUNT}" cannot create resource "secrets" {where}'
    assert refused == (403, "Forbidden", said)
    for method, path in (
        ("DELETE", f"{SYSTEM}/secrets/cacerts"),
        ("PUT", f"{SYSTEM}/secrets/cacerts"),
        ("DELETE", f"{SYSTEM}/secrets"),
        ("GET", "/api/v1/serviceaccounts"),
        ("POST", "/api/v1/namespaces"),
        ("POST", f"{SYSTEM}/serviceaccounts/{READER}/token"),
    ):
        assert client.call(method, path, {} if method in ("PUT", "POST") else None)[0] == 403, (method, path)


def test_nobody_gives_himself_more_than_he_has(server: Server) -> None:
    client = bearer(server, token(server))
    status, body = client.call("POST", PATHS["ClusterRoleBinding"], {"metadata": {"name": "up"}})
    assert (status, body["reason"]) == (403, "Forbidden")
    answer = client.raw("GET", "/api/v1/configmaps", Impersonate_User="admin", Impersonate_Group="system:masters")
    assert answer.status == 403
    assert "cannot impersonate" in json.loads(answer.data)["message"]


def test_a_token_ends_with_its_account_and_is_for_its_audience(server: Server) -> None:
    admin = server.client()
    admin.create(PATHS["ServiceAccount"], {"metadata": {"name": "brief"}})
    path = f"{PATHS['ServiceAccount']}/brief"
    made = admin.create(f"{path}/token", {"kind": "TokenRequest", "spec": {}})["status"]["token"]
    request = {"kind": "TokenRequest", "spec": {"audiences": ["istio-ca"]}}
    other = admin.create(f"{path}/token", request)["status"]["token"]
    # Let in, and allowed nothing.
    assert bearer(server, made).call("GET", "/api/v1/pods")[0] == 403
    assert refusal(bearer(server, other).call("GET", "/api/v1/pods")) == UNAUTHORIZED
    review = {"kind": "TokenReview", "spec": {"token": other, "audiences": ["istio-ca"]}}
    status = admin.create("/apis/authentication.k8s.io/v1/tokenreviews", review)["status"]
    assert (status["authenticated"], status["user"]["username"]) == (
        True,
        "system:serviceaccount:istio-system:brief",
    )
    admin.call("DELETE", path)
    assert refusal(bearer(server, made).call("GET", "/api/v1/pods")) == UNAUTHORIZED
    admin.create(PATHS["ServiceAccount"], {"metadata": {"name": "brief"}})
    assert refusal(bearer(server, made).call("GET", "/api/v1/pods")) == UNAUTHORIZED


def test_an_expired_token_is_refused(server: Server) -> None:
    signer, valid = Signer(server.directory / "sa.key"), token(server)
    claims = signer.verify(valid)
    assert claims is not None
    assert bearer(server, signer.sign(claims)).call("GET", "/api/v1/pods")[0] == 200
    late = signer.sign({**claims, "exp": int(time.time()) - 1})
    assert refusal(bearer(server, late).call("GET", "/api/v1/pods")) == UNAUTHORIZED


def test_no_credential_is_in_the_log_or_on_the_command_line(server: Server) -> None:
    secret = token(server)
    bearer(server, secret).call("GET", "/api/v1/nonsense")
    bearer(server, secret + "x").call("GET", "/api/v1/pods")
    canary = base64.b64encode(b"canary-of-a-secret").decode()
    server.client().create(PATHS["Secret"], {"metadata": {"name": "canary"}, "data": {"k": canary}})
    server.client().call("POST", PATHS["Secret"], {"metadata": {"name": "Bad Name"}, "data": {"k": canary}})
    command = Path(f"/proc/{server.pid}/cmdline").read_text()
    for text in (server.log(), command):
        assert secret not in text
        assert canary not in text
        assert "canary-of-a-secret" not in text
