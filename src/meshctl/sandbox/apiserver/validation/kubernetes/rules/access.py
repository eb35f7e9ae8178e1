"""Rules of roles, their bindings, and webhook configurations."""

from __future__ import annotations

from collections.abc import Iterator

from meshctl.sandbox.apiserver.validation import names
from meshctl.sandbox.apiserver.validation.cause import Cause, invalid, required, unsupported
from meshctl.sandbox.apiserver.validation.kubernetes.rules.values import Object, label_selector, one_of, wrong

_GROUP = "rbac.authorization.k8s.io"
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")


def role_causes(obj: Object) -> Iterator[Cause]:
    """A Role or a ClusterRole."""
    for at, rule in enumerate(obj.get("rules") or ()):
        field = f"rules[{at}]"
        if not rule.get("verbs"):
            yield required(f"{field}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            yield from _paths(rule, field, obj["kind"])
            continue
        if not rule.get("apiGroups"):
            yield required(f"{field}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{field}.resources", "resource rules must supply at least one resource")


def _paths(rule: Object, field: str, kind: str) -> Iterator[Cause]:
    urls = rule["nonResourceURLs"]
    if kind == "Role":
        yield invalid(f"{field}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
    if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
        text = "rules cannot apply to both regular resources and non-resource URLs"
        yield invalid(f"{field}.nonResourceURLs", urls, text)


def binding_causes(obj: Object) -> Iterator[Cause]:
    """A RoleBinding or a ClusterRoleBinding."""
    role = obj.get("roleRef") or {}
    kinds = ("ClusterRole",) if obj["kind"] == "ClusterRoleBinding" else ("ClusterRole", "Role")
    if role.get("apiGroup") != _GROUP:
        yield unsupported("roleRef.apiGroup", role.get("apiGroup") or "", (_GROUP,))
    if role.get("kind") not in kinds:
        yield unsupported("roleRef.kind", role.get("kind") or "", kinds)
    if not role.get("name"):
        yield required("roleRef.name")
    else:
        yield from wrong("roleRef.name", role["name"], names.path_segment(role["name"]))
    for at, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{at}]", namespaced=obj["kind"] == "RoleBinding")


def _subject(subject: Object, field: str, namespaced: bool) -> Iterator[Cause]:
    name, group = subject.get("name") or "", subject.get("apiGroup") or ""
    if not name:
        yield required(f"{field}.name")
    match subject.get("kind"):
        case "ServiceAccount":
            if name:
                yield from wrong(f"{field}.name", name, names.subdomain(name))
            if group:
                yield unsupported(f"{field}.apiGroup", group, ("",))
            if not namespaced and not subject.get("namespace"):
                yield required(f"{field}.namespace")
        case "User" | "Group":
            if group != _GROUP:
                yield unsupported(f"{field}.apiGroup", group, (_GROUP,))
        case kind:
            yield unsupported(f"{field}.kind", kind or "", ("ServiceAccount", "User", "Group"))


def binding_change_causes(obj: Object, old: Object) -> Iterator[Cause]:
    """A binding keeps its role."""
    if obj.get("roleRef") != old.get("roleRef"):
        yield invalid("roleRef", obj.get("roleRef"), "cannot change roleRef")


def webhook_causes(obj: Object) -> Iterator[Cause]:
    """The webhooks of a configuration."""
    for at, webhook in enumerate(obj.get("webhooks") or ()):
        yield from _webhook(webhook, f"webhooks[{at}]")


def _webhook(webhook: Object, field: str) -> Iterator[Cause]:
    name = webhook.get("name") or ""
    if not name:
        yield required(f"{field}.name")
    elif name.count(".") < 2:
        yield invalid(f"{field}.name", name, "should be a domain with at least three segments separated by dots")
    if not webhook.get("admissionReviewVersions"):
        yield required(f"{field}.admissionReviewVersions", "must specify one of v1, v1beta1")
    choices = ("None", "NoneOnDryRun")
    effects = webhook.get("sideEffects")
    if not effects:
        yield required(f"{field}.sideEffects", "must specify one of None, NoneOnDryRun")
    elif effects not in choices:
        yield unsupported(f"{field}.sideEffects", effects, choices)
    yield from one_of(f"{field}.failurePolicy", webhook.get("failurePolicy"), ("Fail", "Ignore"))
    yield from one_of(f"{field}.matchPolicy", webhook.get("matchPolicy"), ("Equivalent", "Exact"))
    seconds = webhook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        yield invalid(f"{field}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds")
    yield from label_selector(f"{field}.namespaceSelector", webhook.get("namespaceSelector"))
    yield from label_selector(f"{field}.objectSelector", webhook.get("objectSelector"))
    yield from _client(webhook.get("clientConfig") or {}, f"{field}.clientConfig")
    for at, rule in enumerate(webhook.get("rules") or ()):
        yield from _operations(rule, f"{field}.rules[{at}]")


def _client(client: Object, field: str) -> Iterator[Cause]:
    given = [name for name in ("url", "service") if client.get(name) is not None]
    if len(given) != 1:
        yield required(field, "exactly one of url or service is required")
    for name in ("name", "namespace") if client.get("service") is not None else ():
        if not client["service"].get(name):
            yield required(f"{field}.service.{name}")


def _operations(rule: Object, field: str) -> Iterator[Cause]:
    for name in ("operations", "apiGroups", "apiVersions", "resources"):
        if not rule.get(name):
            yield required(f"{field}.{name}")
    operations = rule.get("operations") or []
    if len(operations) > 1 and "*" in operations:
        yield invalid(f"{field}.operations", operations, "if '*' is present, must not specify other operations")
    for at, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            yield unsupported(f"{field}.operations[{at}]", operation, _OPERATIONS)
