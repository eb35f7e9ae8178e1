"""Where our server answers otherwise than the original, and why; `client case#step` with steps counted from 1."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BUILD = "the version names no Go build: there is none"
DISCOVERY_PROTOBUF = "discovery goes as JSON, which every client that asks for protobuf takes as well"
FEWER_PATHS = "fewer post-start hooks, so the index of paths is short enough to go in one piece"
V3_PROTOBUF = "OpenAPI v3 is published as JSON alone, the form that kubectl asks for"
AGENTS = "node agents are asked at the node's address, and there are none here"
EXPLAINED = "descriptions come from the Python client's models, which keep no line breaks"
SECONDS = "managed fields are sorted by the second of their change, and a patch and an apply may share theirs here"
LEFT_OVER = "the recording met an autoscaler that an earlier conversation had left behind"

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "http http-discovery/health#1": BUILD,
        "http http-discovery/aggregated#14": DISCOVERY_PROTOBUF,
        "http http-discovery/legacy#13": FEWER_PATHS,
        "http http-discovery/openapi#10": V3_PROTOBUF,
        "kubectl-1.33 delete/exec-logs#3": AGENTS,
        "kubectl-1.33 discovery/explain#3": EXPLAINED,
        "kubectl-1.20 discovery/explain#3": EXPLAINED,
        "kubectl-1.20 patch/scale-rollout#18": LEFT_OVER,
    }
)
SOMETIMES: Mapping[str, str] = MappingProxyType(
    {"kubectl-1.33 apply/client-side#16": SECONDS, "kubectl-1.20 apply/client-side#16": SECONDS}
)
