"""Rules of pods and pod templates."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, duplicate, forbidden, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.container import container_causes
from meshctl.sandbox.apiserver.validation.kubernetes.rules.pod_dump import difference
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import Object, label_selector, one_of, wrong
from meshctl.sandbox.apiserver.validation.kubernetes.rules.volume import volume_causes
from meshctl.sandbox.apiserver.validation.metadata import annotation_causes, label_causes

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_NODE_OPERATORS = ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")
_CHANGEABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_causes(obj: Object) -> Iterator[Cause]:
    """A new pod."""
    yield from pod_spec_causes(obj.get("spec") or {}, "spec")


def template_causes(template: Object, field: str) -> Iterator[Cause]:
    """A pod template."""
    meta = template.get("metadata") or {}
    yield from label_causes(meta.get("labels") or {}, f"{field}.labels")
    yield from annotation_causes(meta.get("annotations") or {}, f"{field}.annotations")
    yield from pod_spec_causes(template.get("spec") or {}, f"{field}.spec")


def pod_spec_causes(spec: Object, field: str) -> Iterator[Cause]:
    """The spec of a pod."""
    volumes = [volume.get("name") or "" for volume in spec.get("volumes") or ()]
    yield from volume_causes(spec.get("volumes") or (), f"{field}.volumes")
    yield from _containers(spec, field, volumes)
    yield from one_of(
        f"{field}.restartPolicy", spec.get("restartPolicy"), ("Always", "OnFailure", "Never"), needed=True
    )
    policies = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
    yield from one_of(f"{field}.dnsPolicy", spec.get("dnsPolicy"), policies, needed=True)
    yield from label_causes(spec.get("nodeSelector") or {}, f"{field}.nodeSelector")
    yield from _host(spec, field)
    yield from _names(spec, field)
    yield from _seconds(spec, field)
    yield from _affinity(spec.get("affinity") or {}, f"{field}.affinity")
    yield from _tolerations(spec.get("tolerations") or (), f"{field}.tolerations")
    yield from _host_aliases(spec.get("hostAliases") or (), f"{field}.hostAliases")
    yield from _spread(spec.get("topologySpreadConstraints") or (), f"{field}.topologySpreadConstraints")


def _containers(spec: Object, field: str, volumes: Collection[str]) -> Iterator[Cause]:
    seen: set[str] = set()
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    for name, kind in (("containers", ""), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")):
        for at, container in enumerate(spec.get(name) or ()):
            inner = f"{field}.{name}[{at}]"
            yield from container_causes(container, inner, volumes, kind)
            given = container.get("name") or ""
            if given in seen:
                yield duplicate(f"{inner}.name", given)
            seen |= {given} if given else set()


def _host(spec: Object, field: str) -> Iterator[Cause]:
    if not spec.get("hostNetwork"):
        return
    for name in ("containers", "initContainers"):
        for at, container in enumerate(spec.get(name) or ()):
            for port_at, port in enumerate(container.get("ports") or ()):
                if port.get("hostPort") != port.get("containerPort"):
                    where = f"{field}.{name}[{at}].ports[{port_at}].hostPort"
                    yield invalid(
                        where, port.get("hostPort", 0), "must match `containerPort` when `hostNetwork` is true"
                    )


def _names(spec: Object, field: str) -> Iterator[Cause]:
    forms = {"serviceAccountName": names.subdomain, "nodeName": names.subdomain, "priorityClassName": names.subdomain}
    forms |= {"hostname": names.label, "subdomain": names.label, "runtimeClassName": names.subdomain}
    for name, form in forms.items():
        if spec.get(name):
            yield from wrong(f"{field}.{name}", spec[name], form(spec[name]))
    for at, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield required(f"{field}.imagePullSecrets[{at}].name")


def _seconds(spec: Object, field: str) -> Iterator[Cause]:
    limit = spec.get("activeDeadlineSeconds")
    if limit is not None and not 1 <= limit <= 2**31 - 1:
        yield invalid(f"{field}.activeDeadlineSeconds", limit, "must be between 1 and 2147483647, inclusive")
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")


def _affinity(affinity: Object, field: str) -> Iterator[Cause]:
    node = affinity.get("nodeAffinity") or {}
    wanted = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if wanted is not None:
        where = f"{field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
        if not wanted.get("nodeSelectorTerms"):
            yield required(f"{where}.nodeSelectorTerms", "must have at least one node selector term")
        for at, term in enumerate(wanted.get("nodeSelectorTerms") or ()):
            yield from _node_term(term, f"{where}.nodeSelectorTerms[{at}]")
    for at, each in enumerate(node.get("preferredDuringSchedulingIgnoredDuringExecution") or ()):
        where = f"{field}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[{at}]"
        yield from _weight(each, where)
        yield from _node_term(each.get("preference") or {}, f"{where}.preference")
    for name in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(affinity.get(name) or {}, f"{field}.{name}")


def _weight(term: Object, field: str) -> Iterator[Cause]:
    weight = term.get("weight") or 0
    if not 1 <= weight <= 100:
        yield invalid(f"{field}.weight", weight, "must be in the range 1-100")


def _node_term(term: Object, field: str) -> Iterator[Cause]:
    for at, each in enumerate(term.get("matchExpressions") or ()):
        where, operator = f"{field}.matchExpressions[{at}]", each.get("operator", "")
        if operator in ("In", "NotIn") and not each.get("values"):
            yield required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and each.get("values"):
            yield forbidden(f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator in ("Gt", "Lt") and len(each.get("values") or ()) != 1:
            yield required(f"{where}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        elif operator not in _NODE_OPERATORS:
            yield invalid(f"{where}.operator", operator, "not a valid selector operator")
        yield from wrong(f"{where}.key", each.get("key", ""), names.qualified_name(each.get("key", "")))


def _pod_affinity(affinity: Object, field: str) -> Iterator[Cause]:
    for at, term in enumerate(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()):
        yield from _pod_term(term, f"{field}.requiredDuringSchedulingIgnoredDuringExecution[{at}]")
    for at, each in enumerate(affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()):
        where = f"{field}.preferredDuringSchedulingIgnoredDuringExecution[{at}]"
        yield from _weight(each, where)
        yield from _pod_term(each.get("podAffinityTerm") or {}, f"{where}.podAffinityTerm")


def _pod_term(term: Object, field: str) -> Iterator[Cause]:
    yield from label_selector(f"{field}.labelSelector", term.get("labelSelector"))
    key = term.get("topologyKey") or ""
    if not key:
        yield required(f"{field}.topologyKey", "can not be empty")
    else:
        yield from wrong(f"{field}.topologyKey", key, names.qualified_name(key))


def _tolerations(tolerations: Collection[Object], field: str) -> Iterator[Cause]:
    for at, each in enumerate(tolerations):
        inner, operator = f"{field}[{at}]", each.get("operator") or "Equal"
        key, effect = each.get("key") or "", each.get("effect") or ""
        if key:
            yield from wrong(f"{inner}.key", key, names.qualified_name(key))
        elif operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield invalid(f"{inner}.operator", each.get("operator") or "", text)
        if each.get("tolerationSeconds") is not None and effect != "NoExecute":
            yield invalid(f"{inner}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        yield from _toleration_value(each, inner, operator)
        if effect and effect not in _EFFECTS:
            yield unsupported(f"{inner}.effect", effect, _EFFECTS)


def _toleration_value(toleration: Object, field: str, operator: str) -> Iterator[Cause]:
    value = toleration.get("value") or ""
    match operator:
        case "Equal":
            yield from wrong(f"{field}.operator", value, names.label_value(value))
        case "Exists":
            if value:
                yield invalid(f"{field}.operator", toleration, "value must be empty when `operator` is 'Exists'")
        case "Gt" | "Lt":
            pass
        case _:
            yield unsupported(f"{field}.operator", operator, ("Equal", "Exists", "Gt", "Lt"))


def _host_aliases(aliases: Collection[Object], field: str) -> Iterator[Cause]:
    for at, alias in enumerate(aliases):
        yield from wrong(f"{field}[{at}].ip", alias.get("ip", ""), names.address(alias.get("ip", "")))
        for name_at, name in enumerate(alias.get("hostnames") or ()):
            yield from wrong(f"{field}[{at}].hostnames[{name_at}]", name, names.subdomain(name))


def _spread(constraints: Collection[Object], field: str) -> Iterator[Cause]:
    for at, each in enumerate(constraints):
        inner = f"{field}[{at}]"
        if (each.get("maxSkew") or 0) <= 0:
            yield invalid(f"{inner}.maxSkew", each.get("maxSkew") or 0, "must be greater than zero")
        if not each.get("topologyKey"):
            yield required(f"{inner}.topologyKey", "can not be empty")
        choices = ("DoNotSchedule", "ScheduleAnyway")
        yield from one_of(f"{inner}.whenUnsatisfiable", each.get("whenUnsatisfiable"), choices, needed=True)
        yield from label_selector(f"{inner}.labelSelector", each.get("labelSelector"))


def pod_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """What a change of a pod may not touch."""
    spec, former = obj.get("spec") or {}, old.get("spec") or {}
    for name in ("containers", "initContainers"):
        if len(spec.get(name) or ()) != len(former.get(name) or ()):
            yield forbidden(f"spec.{name}", "pod updates may not add or remove containers")
            return
    munged = _munged(spec, former)
    if _given(munged) != _given(former):
        yield forbidden("spec", f"{_CHANGEABLE}\n{difference(former, munged)}")


def _munged(spec: Object, former: Object) -> Object:
    """The new spec with the old one's values where a change is allowed."""
    munged = {**spec, "activeDeadlineSeconds": former.get("activeDeadlineSeconds")}
    for name in ("containers", "initContainers"):
        pairs = zip(spec.get(name) or (), former.get(name) or (), strict=True)
        munged[name] = [{**new, "image": old.get("image")} for new, old in pairs]
    if all(each in (spec.get("tolerations") or ()) for each in former.get("tolerations") or ()):
        munged["tolerations"] = former.get("tolerations")
    grace = former.get("terminationGracePeriodSeconds")
    if spec.get("terminationGracePeriodSeconds") == 1 and grace is not None and grace < 0:
        munged["terminationGracePeriodSeconds"] = grace
    return munged


def _given(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if value not in (None, [], {})}


def is_loopback(text: str) -> bool:
    """Whether an address means the host itself."""
    return not names.address(text) and ipaddress.ip_address(text).is_loopback
