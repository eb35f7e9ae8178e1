"""Jobs: a new one selects its pods by its own uid."""

from __future__ import annotations

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.strategy.strategy import Object, Strategy, empty_status

PREFIX = "batch.kubernetes.io/"


def _created(_: Api, obj: Object) -> None:
    spec, metadata = obj["spec"], obj["metadata"]
    if not spec.get("manualSelector"):
        _select_by_uid(spec, metadata)
    template = (spec["template"].get("metadata") or {}).get("labels")
    if template and not metadata.get("labels"):
        metadata["labels"] = dict(template)


def _select_by_uid(spec: Object, metadata: Object) -> None:
    """As the strategy of kube-apiserver's registry does; who labels the template on his own gets no selector."""
    own = {"controller-uid": metadata["uid"], "job-name": metadata["name"]}
    added = own | {f"{PREFIX}{key}": value for key, value in own.items()}
    template = spec["template"].setdefault("metadata", {})
    labels = template.get("labels") or {}
    if added.keys() & labels.keys():
        return
    template["labels"] = dict(sorted((labels | added).items()))
    selector = spec["selector"] = spec.get("selector") or {}
    selector.setdefault("matchLabels", {})[f"{PREFIX}controller-uid"] = metadata["uid"]


JOBS = Strategy(generation=True, status=empty_status, status_keeps_metadata=True, prepare_create=_created)
