"""Secrets of type kubernetes.io/service-account-token get their token, as kube-controller-manager's token controller
fills them (Kubernetes 1.31, pkg/controller/serviceaccount/tokens_controller.go)."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from meshctl.sandbox.controllers.api import MERGE, Api, ApiFault, Object

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
CLAIM = "kubernetes.io/serviceaccount/"
SECRETS = f"type%3D{TYPE.replace('/', '%2F')}"


class Signer:
    """Signs tokens RS256 (RFC 7515) with the cluster's service-account key."""

    def __init__(self, path: Path) -> None:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 # made with the cluster
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        self._key = key
        self._id = _encode(hashlib.sha256(key.public_key().public_bytes(*form)).digest())

    def token(self, namespace: str, account: str, uid: str, secret: str) -> str:
        """A token that lives as long as its Secret."""
        claims = {
            "iss": "kubernetes/serviceaccount",
            CLAIM + "namespace": namespace,
            CLAIM + "secret.name": secret,
            CLAIM + "service-account.name": account,
            CLAIM + "service-account.uid": uid,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        header = {"alg": "RS256", "kid": self._id}
        text = ".".join(_encode(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{text}.{_encode(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


async def fill(api: Api, signer: Signer, authority: Path) -> None:
    """Fill every token Secret whose account exists."""
    content = authority.read_bytes()
    async for kind, secret in api.follow("/api/v1/secrets", f"fieldSelector={SECRETS}"):
        if kind != "DELETED":
            await _settle(api, signer, content, secret)


async def follow_accounts(api: Api, signer: Signer, authority: Path) -> None:
    """Fill what waited for an account; a Secret goes with its account."""
    content = authority.read_bytes()
    async for kind, account in api.follow("/api/v1/serviceaccounts"):
        if kind == "MODIFIED":
            continue
        namespace = account["metadata"]["namespace"]
        listed = await api.ask("GET", f"/api/v1/namespaces/{namespace}/secrets?fieldSelector={SECRETS}")
        for secret in listed["items"]:
            if (secret["metadata"].get("annotations") or {}).get(NAME) == account["metadata"]["name"]:
                await _settle(api, signer, content, {**secret, "type": TYPE})


async def _settle(api: Api, signer: Signer, authority: bytes, secret: Object) -> None:
    metadata = secret["metadata"]
    namespace, annotations = metadata["namespace"], metadata.get("annotations") or {}
    path = f"/api/v1/namespaces/{namespace}/secrets/{metadata['name']}"
    account = await _read(api, f"/api/v1/namespaces/{namespace}/serviceaccounts/{annotations.get(NAME, '')}")
    if account is None or annotations.get(UID, account["metadata"]["uid"]) != account["metadata"]["uid"]:
        if await _read(api, path) is not None and annotations.get(UID):
            await api.ask("DELETE", path)
        return
    wanted = {"ca.crt": authority, "namespace": namespace.encode()}
    data = secret.get("data") or {}
    change = {key: text for key, value in wanted.items() if data.get(key) != (text := base64.b64encode(value).decode())}
    uid = account["metadata"]["uid"]
    if not data.get("token"):
        token = signer.token(namespace, annotations[NAME], uid, metadata["name"])
        change["token"] = base64.b64encode(token.encode()).decode()
    if change or UID not in annotations:
        body = {"metadata": {"annotations": {UID: uid}}, "data": change}
        await api.ask("PATCH", path, body, MERGE)


async def _read(api: Api, path: str) -> Object | None:
    try:
        return await api.ask("GET", path)
    except ApiFault as fault:
        if fault.code == 404:
            return None
        raise


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
