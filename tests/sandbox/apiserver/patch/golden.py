"""Recorded answers: of Kubernetes' own libraries (v0.36) to random input, and of a kube-apiserver 1.36."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "golden" / "patch"


def golden(name: str) -> Any:
    return json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
