"""Rules of the cluster's own kinds: Nodes, Events, volumes, leases, budgets, autoscalers, priorities."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names, quantity
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import (
    Object,
    immutable,
    label_selector,
    not_negative,
    one_of,
    wrong,
)
from meshctl.sandbox.apiserver.validation.kubernetes.rules.workload import count_or_percent

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def node_causes(obj: Object) -> Iterator[Cause]:
    """A Node."""
    spec = obj.get("spec") or {}
    seen: set[tuple[str, str]] = set()
    for at, taint in enumerate(spec.get("taints") or ()):
        field = f"spec.taints[{at}]"
        key, effect = taint.get("key") or "", taint.get("effect") or ""
        yield from wrong(f"{field}.key", key, names.qualified_name(key))
        yield from wrong(f"{field}.value", taint.get("value") or "", names.label_value(taint.get("value") or ""))
        if not effect:
            yield required(f"{field}.effect")
        elif effect not in _EFFECTS:
            yield unsupported(f"{field}.effect", effect, _EFFECTS)
        if (key, effect) in seen:
            yield duplicate(field, taint)
        seen.add((key, effect))
    for at, block in enumerate(spec.get("podCIDRs") or ()):
        yield from wrong(f"spec.podCIDRs[{at}]", block, names.block(block))


def node_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A Node keeps the address blocks of its pods once it has them."""
    former = (old.get("spec") or {}).get("podCIDRs")
    if former and (obj.get("spec") or {}).get("podCIDRs") != former:
        yield forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')


def event_causes(obj: Object) -> Iterator[Cause]:
    """An Event of the core group."""
    involved = (obj.get("involvedObject") or {}).get("namespace") or ""
    namespace = obj.get("metadata", {}).get("namespace") or ""
    agrees = involved == namespace if involved else namespace == "default"
    if obj.get("apiVersion") == "v1" and not agrees:
        yield invalid("involvedObject.namespace", involved, "does not match event.namespace")


def namespace_causes(obj: Object) -> Iterator[Cause]:
    """A Namespace."""
    for at, name in enumerate((obj.get("spec") or {}).get("finalizers") or ()):
        if name != "kubernetes" and "/" not in name:
            yield invalid(
                f"spec.finalizers[{at}]", name, "name is neither a standard finalizer name nor is it fully qualified"
            )


def claim_causes(obj: Object) -> Iterator[Cause]:
    """A PersistentVolumeClaim."""
    spec = obj.get("spec") or {}
    yield from label_selector("spec.selector", spec.get("selector"))
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in spec.get("accessModes") or ():
        if mode not in _MODES:
            yield unsupported("spec.accessModes", mode, _MODES)
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield required("spec.resources[storage]")
    elif quantity.value(storage) <= 0:
        yield invalid("spec.resources[storage]", storage, "must be greater than zero")


def volume_causes(obj: Object) -> Iterator[Cause]:
    """A PersistentVolume."""
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")
    policies = ("Delete", "Recycle", "Retain")
    yield from one_of("spec.persistentVolumeReclaimPolicy", spec.get("persistentVolumeReclaimPolicy"), policies)


def lease_causes(obj: Object) -> Iterator[Cause]:
    """A Lease."""
    spec = obj.get("spec") or {}
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        yield invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    yield from not_negative(spec, "spec", "leaseTransitions")


def disruption_budget_causes(obj: Object) -> Iterator[Cause]:
    """A PodDisruptionBudget."""
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        yield from count_or_percent(spec.get(name), f"spec.{name}")
    yield from label_selector("spec.selector", spec.get("selector"))


def autoscaler_causes(obj: Object) -> Iterator[Cause]:
    """A HorizontalPodAutoscaler."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            yield required(f"spec.scaleTargetRef.{name}")


def priority_class_causes(obj: Object) -> Iterator[Cause]:
    """A PriorityClass."""
    value = obj.get("value") or 0
    if value > 10**9 and not obj["metadata"].get("name", "").startswith("system-"):
        yield forbidden("value", "maximum allowed value of a user defined priority is 1000000000")
    yield from one_of("preemptionPolicy", obj.get("preemptionPolicy"), ("Never", "PreemptLowerPriority"))


def priority_class_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A PriorityClass keeps its value."""
    if obj.get("value") != old.get("value"):
        yield forbidden("value", "may not be changed in an update.")
    yield from immutable("preemptionPolicy", obj.get("preemptionPolicy"), old.get("preemptionPolicy"))


def storage_class_causes(obj: Object) -> Iterator[Cause]:
    """A StorageClass."""
    if not obj.get("provisioner"):
        yield required("provisioner")
    yield from one_of("reclaimPolicy", obj.get("reclaimPolicy"), ("Delete", "Retain"))
    modes = ("Immediate", "WaitForFirstConsumer")
    yield from one_of("volumeBindingMode", obj.get("volumeBindingMode"), modes, needed=True)


def storage_class_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A StorageClass keeps what volumes were made by."""
    for name, text in (
        ("parameters", "updates to parameters are forbidden."),
        ("provisioner", "updates to provisioner are forbidden."),
    ):
        if obj.get(name) != old.get(name):
            yield forbidden(name, text)
    if obj.get("reclaimPolicy") != old.get("reclaimPolicy"):
        yield forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.")
