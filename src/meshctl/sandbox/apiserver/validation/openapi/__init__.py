"""The OpenAPI documents that an API server publishes: v2 as JSON and protobuf, v3 for each group version.

`served` is what the server serves; a custom resource carries its CRD's version as `definition`.
"""

from meshctl.sandbox.apiserver.validation.openapi.protobuf import encoded as v2_protobuf
from meshctl.sandbox.apiserver.validation.openapi.served import Served
from meshctl.sandbox.apiserver.validation.openapi.version2 import document as v2
from meshctl.sandbox.apiserver.validation.openapi.version3 import document as v3

__all__ = ["Served", "v2", "v2_protobuf", "v3"]
