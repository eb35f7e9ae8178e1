"""Kubernetes' protobuf media type: objects as JSON dicts from and to `application/vnd.kubernetes.protobuf`."""

from meshctl.sandbox.apiserver.patch.protobuf.envelope import decode, encode
from meshctl.sandbox.apiserver.patch.protobuf.wire import Malformed

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

__all__ = ["MEDIA_TYPE", "Malformed", "decode", "encode"]
