"""Patches as the API server applies them: JSON Patch, merge patch, strategic merge patch and server-side apply.

    operations, complaints = bodies.json_patch_body(data)          also merge_patch_body, strategic_body, apply_body
    new = json_patch(live, operations)        merge_patch(live, patch), strategic(live, patch, schema)
    entries = apply.track_update(live, new, manager, "Update", schema, subresource)      after every other write
    new = apply.apply(live, config, manager, force, schema, subresource, gvk=(api_version, kind))
    entries = managedfields.keep_times(live, new)                  so that a write without effect is none
    item = protobuf.decode(data)

`schema` is `schema.builtin(api_version, kind)`, and for a custom resource `schema.custom(open_api_v3_schema)`; any
other OpenAPI node with Kubernetes' extensions becomes one by `Schema(node, resolve)`. What a patch is refused for is a
PatchRefused, whose `status()` is the answer's body. Nothing here changes its arguments.
"""

from meshctl.sandbox.apiserver.patch.refusal import Conflict, PatchRefused
from meshctl.sandbox.apiserver.patch.rfc6902 import json_patch
from meshctl.sandbox.apiserver.patch.rfc7386 import merge_patch
from meshctl.sandbox.apiserver.patch.strategic_merge import strategic

__all__ = ["Conflict", "PatchRefused", "json_patch", "merge_patch", "strategic"]
