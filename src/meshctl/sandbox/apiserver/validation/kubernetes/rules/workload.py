"""Rules of the kinds that make pods: Deployments, ReplicaSets, DaemonSets, StatefulSets, Jobs and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.pod import template_causes
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import (
    Object,
    immutable,
    label_selector,
    not_negative,
    one_of,
    selects,
    wrong,
)
from meshctl.sandbox.apiserver.validation.metadata import label_causes

_PERCENT = re.compile("[0-9]+%")
_MISMATCH = "`selector` does not match template `labels`"


def deployment_causes(obj: Object) -> Iterator[Cause]:
    """A Deployment."""
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "spec", "replicas")
    yield from _selector(spec, "deployment")
    yield from _template(spec)
    yield from _deployment_strategy(spec.get("strategy") or {})
    yield from not_negative(spec, "spec", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        yield invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def selector_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A selector stays what it was."""
    yield from immutable("spec.selector", obj["spec"].get("selector"), old["spec"].get("selector"))


def replica_set_causes(obj: Object) -> Iterator[Cause]:
    """A ReplicaSet."""
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds")
    yield from _selector(spec, "replica set")
    yield from _template(spec)


def daemon_set_causes(obj: Object) -> Iterator[Cause]:
    """A DaemonSet."""
    spec = obj.get("spec") or {}
    yield from _selector(spec, "daemonset")
    yield from _template(spec)
    yield from not_negative(spec, "spec", "minReadySeconds", "revisionHistoryLimit")
    strategy = spec.get("updateStrategy") or {}
    yield from one_of("spec.updateStrategy.type", strategy.get("type"), ("RollingUpdate", "OnDelete"), needed=True)
    if strategy.get("type") == "RollingUpdate":
        yield from _rolling(strategy.get("rollingUpdate"), "spec.updateStrategy.rollingUpdate")


def stateful_set_causes(obj: Object) -> Iterator[Cause]:
    """A StatefulSet."""
    spec = obj.get("spec") or {}
    policy, strategy = spec.get("podManagementPolicy"), spec.get("updateStrategy") or {}
    if policy not in ("OrderedReady", "Parallel"):
        yield invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    if strategy.get("type") not in ("RollingUpdate", "OnDelete"):
        yield invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")
    yield from not_negative(strategy.get("rollingUpdate") or {}, "spec.updateStrategy.rollingUpdate", "partition")
    yield from not_negative(spec, "spec", "replicas", "minReadySeconds")
    yield from _selector(spec, "statefulset")
    yield from _template(spec)


def stateful_set_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """What a StatefulSet may change."""
    allowed = (
        *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
        *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
    )
    fixed, former = ({key: value for key, value in each["spec"].items() if key not in allowed} for each in (obj, old))
    if fixed != former:
        shown = ", ".join(f"'{name}'" for name in allowed[:-1])
        yield forbidden(
            "spec", f"updates to statefulset spec for fields other than {shown} and '{allowed[-1]}' are forbidden"
        )


def replication_controller_causes(obj: Object) -> Iterator[Cause]:
    """A ReplicationController."""
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "spec", "minReadySeconds")
    selector = spec.get("selector") or {}
    if not selector:
        yield required("spec.selector")
    yield from label_causes(selector, "spec.selector")
    yield from not_negative(spec, "spec", "replicas")
    labels = _labels(spec)
    if selector and not selects({"matchLabels": selector}, labels or {}):
        yield invalid("spec.template.metadata.labels", labels, _MISMATCH)
    yield from _always(spec)
    yield from template_causes(spec.get("template") or {}, "spec.template")


def job_causes(obj: Object) -> Iterator[Cause]:
    """A Job."""
    spec = obj.get("spec") or {}
    yield from job_spec_causes(spec, "spec")
    if spec.get("selector") is not None and not selects(spec["selector"], _labels(spec) or {}):
        yield invalid("spec.template.metadata.labels", _labels(spec), _MISMATCH)


def job_spec_causes(spec: Object, field: str) -> Iterator[Cause]:
    """The spec of a Job, or of a CronJob's template."""
    counts = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
    yield from not_negative(spec, field, *counts)
    yield from label_selector(f"{field}.selector", spec.get("selector"))
    yield from template_causes(spec.get("template") or {}, f"{field}.template")
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy == "Always":
        where = f"{field}.template.spec.restartPolicy"
        yield Cause(where, "FieldValueRequired", 'Required value: valid values: "OnFailure", "Never"')
    modes = ("Indexed", "NonIndexed")
    yield from one_of(f"{field}.completionMode", spec.get("completionMode"), modes)


def job_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """What stays of a Job; its template may change while it is suspended and has not begun."""
    spec, former = obj["spec"], old["spec"]
    for name in ("completions", "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"):
        yield from immutable(f"spec.{name}", spec.get(name), former.get(name))
    idle = former.get("suspend") and not (old.get("status") or {}).get("startTime")
    if not idle:
        yield from immutable("spec.template", spec.get("template"), former.get("template"))


def cron_job_causes(obj: Object) -> Iterator[Cause]:
    """A CronJob."""
    spec = obj.get("spec") or {}
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    else:
        yield from wrong("spec.schedule", schedule, _schedule(schedule))
    yield from not_negative(spec, "spec", "startingDeadlineSeconds")
    policies = ("Allow", "Forbid", "Replace")
    yield from one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies, needed=True)
    yield from not_negative(spec, "spec", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    yield from job_spec_causes((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")
    if len(obj.get("metadata", {}).get("name") or "") > 52:
        yield invalid("metadata.name", obj["metadata"]["name"], "must be no more than 52 characters")


def _schedule(text: str) -> list[str]:
    if text.startswith("@"):
        known = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
        fine = text in known or text.startswith("@every ")
        return [] if fine else [f"unrecognized descriptor: {text}"]
    count = len(text.split())
    return [] if count == 5 else [f"expected exactly 5 fields, found {count}: {text.split()}".replace("'", "")]


def _labels(spec: Object) -> dict[str, str] | None:
    labels: dict[str, str] | None = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    return labels


def _selector(spec: Object, about: str) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    else:
        yield from label_selector("spec.selector", selector)
        if not (selector.get("matchLabels") or selector.get("matchExpressions")):
            yield invalid("spec.selector", selector, f"empty selector is invalid for {about}")
            return
    if not selects(selector, _labels(spec) or {}):
        yield invalid("spec.template.metadata.labels", _labels(spec), _MISMATCH)


def _template(spec: Object) -> Iterator[Cause]:
    yield from template_causes(spec.get("template") or {}, "spec.template")
    yield from _always(spec)
    inner = (spec.get("template") or {}).get("spec") or {}
    if inner.get("activeDeadlineSeconds") is not None:
        yield forbidden(
            "spec.template.spec.activeDeadlineSeconds", "activeDeadlineSeconds in ReplicaSet is not Supported"
        )


def _always(spec: Object) -> Iterator[Cause]:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if policy in ("Never", "OnFailure"):
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def _deployment_strategy(strategy: Object) -> Iterator[Cause]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    yield from one_of("spec.strategy.type", kind, ("Recreate", "RollingUpdate"), needed=True)
    if kind == "Recreate" and rolling is not None:
        text = "may not be specified when strategy `type` is 'Recreate'"
        yield forbidden("spec.strategy.rollingUpdate", text)
    if kind == "RollingUpdate":
        yield from _rolling(rolling, "spec.strategy.rollingUpdate")


def _rolling(rolling: Object | None, field: str) -> Iterator[Cause]:
    if rolling is None:
        yield required(field, "this should be defaulted and never be nil")
        return
    for name in ("maxUnavailable", "maxSurge"):
        yield from count_or_percent(rolling.get(name), f"{field}.{name}")
    unavailable = rolling.get("maxUnavailable")
    if _is_zero(unavailable) and _is_zero(rolling.get("maxSurge")):
        yield invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    if isinstance(unavailable, str) and _PERCENT.fullmatch(unavailable) and int(unavailable[:-1]) > 100:
        yield invalid(f"{field}.maxUnavailable", unavailable, "must not be greater than 100%")


def _is_zero(value: Any) -> bool:
    return value in (None, 0, "0%")


def count_or_percent(value: int | str | None, field: str) -> Iterator[Cause]:
    """A number of pods or a percentage of them."""
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            form = "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            yield invalid(
                field, value, f"a valid percent string must be a numeric string followed by an ending '%' {form}"
            )
    elif value is not None:
        yield from wrong(field, value, names.not_negative(value))
