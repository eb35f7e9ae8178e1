"""The webhooks that configurations register, and which of them a write concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.api import Api
from meshctl.sandbox.apiserver.failure import Failure, internal, not_found
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.selectors import labels
from meshctl.sandbox.apiserver.validation.cel.evaluation import evaluate
from meshctl.sandbox.apiserver.validation.cel.tokens import CelSyntaxError
from meshctl.sandbox.apiserver.validation.cel.values import CelError
from meshctl.sandbox.apiserver.webhooks.attributes import Attributes, review

Object = dict[str, Any]

GROUP = "admissionregistration.k8s.io"
MUTATING, VALIDATING = f"mutatingwebhookconfigurations.{GROUP}", f"validatingwebhookconfigurations.{GROUP}"
EXEMPT = (MUTATING, VALIDATING)
TIMEOUT = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """One entry of a configuration's `webhooks`; `resource` is the version in which it wants the object."""

    entry: Mapping[str, Any]
    place: tuple[str, int]
    resource: Resource

    @property
    def name(self) -> str:
        """Its name, as messages give it."""
        return str(self.entry["name"])

    @property
    def fails_open(self) -> bool:
        """Whether an unreachable webhook lets the write pass."""
        return self.entry.get("failurePolicy") == "Ignore"

    @property
    def reinvocable(self) -> bool:
        """Whether it wants to see what others change after it."""
        return self.entry.get("reinvocationPolicy") == "IfNeeded"

    @property
    def timeout(self) -> int:
        """Seconds."""
        return int(self.entry.get("timeoutSeconds") or TIMEOUT)


def concerned(api: Api, storage: str, asked: Attributes) -> list[Hook]:
    """The webhooks of a storage that are to be asked, in order of their configurations' names."""
    if asked.resource.storage in EXEMPT:
        return []
    return [hook for hook in _hooks(api, storage, asked) if _selects(api, hook, asked)]


def _hooks(api: Api, storage: str, asked: Attributes) -> Iterator[Hook]:
    for stored in api.store.page(storage).items:
        for index, entry in enumerate(stored.load().get("webhooks") or ()):
            if wanted := _version(api, entry, asked):
                yield Hook(entry, (stored.key, index), wanted)


def _version(api: Api, entry: Mapping[str, Any], asked: Attributes) -> Resource | None:
    """The version of the resource that a rule names; by matchPolicy Equivalent any version of it will do."""
    rules = entry.get("rules") or ()
    if any(_covers(rule, asked.resource, asked) for rule in rules):
        return asked.resource
    if entry.get("matchPolicy") == "Exact":
        return None
    equivalent = (one for one in api.catalog.resources if one.storage and one.storage == asked.resource.storage)
    return next((one for one in equivalent if any(_covers(rule, one, asked) for rule in rules)), None)


def _covers(rule: Mapping[str, Any], resource: Resource, asked: Attributes) -> bool:
    return (
        _names(rule.get("operations"), asked.operation)
        and _names(rule.get("apiGroups"), resource.group)
        and _names(rule.get("apiVersions"), resource.version)
        and _names_resource(rule.get("resources") or (), resource.plural, asked.subresource)
        and _in_scope(str(rule.get("scope") or "*"), asked)
    )


def _names(listed: Sequence[str] | None, value: str) -> bool:
    return "*" in (listed or ()) or value in (listed or ())


def _names_resource(listed: Sequence[str], plural: str, subresource: str) -> bool:
    for one in listed:
        wanted, _, wanted_sub = one.partition("/")
        if wanted in ("*", plural) and wanted_sub in ("*", subresource):
            return True
    return False


def _in_scope(scope: str, asked: Attributes) -> bool:
    namespaced = asked.resource.namespaced and bool(asked.namespace)
    return scope == "*" or (scope == "Namespaced") == namespaced


def _selects(api: Api, hook: Hook, asked: Attributes) -> bool:
    return (
        _selects_namespace(api, hook, asked)
        and _selects_object(hook.entry.get("objectSelector"), asked)
        and _meets_conditions(hook, asked)
    )


def _selects_namespace(api: Api, hook: Hook, asked: Attributes) -> bool:
    selector = hook.entry.get("namespaceSelector")
    is_namespace = asked.resource.storage == "namespaces"
    if not selector or not (asked.namespace or is_namespace):
        return True
    if is_namespace and asked.obj is not None:
        return labels.of(selector).matches(_labels(asked.obj))
    name = asked.namespace or asked.name
    found = api.lookup("namespaces", "", name)
    if found is None:
        raise not_found("", "namespaces", name)
    return labels.of(selector).matches(_labels(found))


def _selects_object(selector: Mapping[str, Any] | None, asked: Attributes) -> bool:
    if not selector:
        return True
    wanted = labels.of(selector)
    return any(wanted.matches(_labels(obj)) for obj in (asked.obj, asked.old) if obj is not None)


def _labels(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def _meets_conditions(hook: Hook, asked: Attributes) -> bool:
    """Whether all matchConditions hold; one that is false decides, even where another cannot be evaluated."""
    conditions = hook.entry.get("matchConditions") or ()
    if not conditions:
        return True
    request = review(asked, hook.resource, "")["request"]
    variables = {"object": request["object"], "oldObject": request["oldObject"], "request": request}
    problems = []
    for condition in conditions:
        try:
            if evaluate(condition["expression"], variables) is not True:
                return False
        except (CelError, CelSyntaxError) as error:
            problems.append(f"{condition['name']}: {error}")
    if problems and not hook.fails_open:
        raise _unevaluated(hook, problems)
    return not problems


def _unevaluated(hook: Hook, problems: Sequence[str]) -> Failure:
    return internal(f'failed evaluating match conditions of webhook "{hook.name}": {", ".join(problems)}')
