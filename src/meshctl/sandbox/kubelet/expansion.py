"""`$(VAR)` in commands, arguments and variables (Kubernetes third_party/forked/golang/expansion/expand.go, 1.31)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace what is known; `$$` is a dollar sign, what is unknown stays as it is."""

    def replacement(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(replacement, text)
