"""What Kubernetes says of an object: schemas, defaults, validation and admission.

For objects of built-in kinds, in this order: `decoded` (DecodeError), `default`, `validate`. Custom resources:
`crd.prune`, `crd.default`, `crd.validate`. Then, for both, `admission.review`.
"""

from __future__ import annotations

from typing import Any

from meshctl.sandbox.apiserver.validation.cause import Cause, summary
from meshctl.sandbox.apiserver.validation.decoding import DecodeError, decoded, duplicate_fields, unknown_fields
from meshctl.sandbox.apiserver.validation.istio.crds import istio_crds
from meshctl.sandbox.apiserver.validation.kubernetes.defaults import defaulted as default
from meshctl.sandbox.apiserver.validation.kubernetes.kinds import causes
from meshctl.sandbox.apiserver.validation.kubernetes.warnings import warnings


def validate(obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[Cause]:
    """What is wrong with a defaulted object of a built-in kind, or with the change from `old`."""
    return list(causes(obj, old))


__all__ = [
    "Cause",
    "DecodeError",
    "decoded",
    "default",
    "duplicate_fields",
    "istio_crds",
    "summary",
    "unknown_fields",
    "validate",
    "warnings",
]
