"""Patches as the API server applies them: JSON Patch, merge patch, strategic merge patch and server-side apply."""

from meshctl.sandbox.apiserver.patch.refusal import Conflict, PatchRefused
from meshctl.sandbox.apiserver.patch.rfc6902 import json_patch
from meshctl.sandbox.apiserver.patch.rfc7386 import merge_patch
from meshctl.sandbox.apiserver.patch.strategic_merge import strategic

__all__ = ["Conflict", "PatchRefused", "json_patch", "merge_patch", "strategic"]
