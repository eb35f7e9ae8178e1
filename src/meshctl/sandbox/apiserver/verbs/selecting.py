"""Selectors of a list, watch or deletecollection, checked against the kind's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meshctl.sandbox.apiserver.call import Call
from meshctl.sandbox.apiserver.failure import Failure, bad_request, quote
from meshctl.sandbox.apiserver.options import ListOptions
from meshctl.sandbox.apiserver.resources.resource import Resource
from meshctl.sandbox.apiserver.selectors import fields, labels
from meshctl.sandbox.apiserver.selectors.fields import METADATA, FieldSelector
from meshctl.sandbox.apiserver.selectors.labels import LabelSelector
from meshctl.sandbox.apiserver.selectors.syntax import SelectorError
from meshctl.sandbox.apiserver.storage.selection import Selection


@dataclass(frozen=True, slots=True)
class Selectors:
    """Both selectors of a request."""

    labels: LabelSelector
    fields: FieldSelector

    def matches(self, obj: Mapping[str, Any]) -> bool:
        """Whether an object is selected."""
        return self.labels.matches(obj["metadata"].get("labels")) and self.fields.matches(obj)

    @property
    def terms(self) -> bool:
        """Whether anything is asked of an object."""
        return bool(self.labels.terms or self.fields.terms)

    @property
    def selection(self) -> Selection:
        """The same for the store."""
        return self.labels.selection() + self.fields.selection()


def selectors(call: Call, asked: ListOptions) -> Selectors:
    """The selectors that the client stated; Failure 400."""
    try:
        by_labels = labels.parse(asked.label_selector)
        by_fields = tuple(fields.parse(asked.field_selector))
    except SelectorError as error:
        raise bad_request(str(error)) from None
    known = {field.name: field for field in call.resource.fields}
    for name, _, _ in by_fields:
        if name not in known:
            raise _unknown(call.resource, name)
    terms = tuple((known[name], equal, value) for name, equal, value in by_fields)
    if call.target.verb in ("list", "watch") and call.target.name:
        terms = (*terms, (METADATA[0], True, call.target.name))
    return Selectors(by_labels, FieldSelector(terms))


def _unknown(resource: Resource, name: str) -> Failure:
    if resource.fields == METADATA and not resource.custom:
        return bad_request(f'{quote(name)} is not a known field selector: only "metadata.name", "metadata.namespace"')
    if resource.kind == "Job":
        return bad_request(f"field label {quote(name)} not supported for Job")
    return bad_request(f"field label not supported: {name}")
