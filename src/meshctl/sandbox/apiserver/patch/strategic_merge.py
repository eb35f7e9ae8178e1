"""Strategic merge patch (apimachinery v0.36, util/strategicpatch): merge patch that knows lists by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from meshctl.sandbox.apiserver.patch import gotext
from meshctl.sandbox.apiserver.patch.refusal import PatchRefused, bad_request, internal, unprocessable
from meshctl.sandbox.apiserver.patch.schema import Schema
from meshctl.sandbox.apiserver.patch.values import MISSING, copy, same

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
DELETE_FROM_LIST = "$deleteFromPrimitiveList"
SET_ORDER = "$setElementOrder"

Map = dict[str, Any]


def strategic(doc: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema) -> Map:
    """The document with the patch merged in; PatchRefused where the patch is malformed or does not fit the type."""
    return _merge_maps(copy(dict(doc)), copy(dict(patch)), schema)


def _merge_maps(doc: Map, patch: Map, schema: Schema) -> Map:
    if DIRECTIVE in patch:
        return _replacement(patch)
    _retain_keys(doc, patch)
    _merge_ordered_lists(doc, patch, schema)
    for name, value in patch.items():
        is_deletion = name.startswith(DELETE_FROM_LIST)
        key = _directed_key(name, DELETE_FROM_LIST) if is_deletion else name
        _merge_key(doc, key, value, schema, is_deletion)
    return doc


def _replacement(patch: Map) -> Map:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown_directive(patch)


def _unknown_directive(patch: Map) -> PatchRefused:
    return internal(f"unknown patch type: {gotext.plain(patch[DIRECTIVE])} in map: {gotext.plain(patch)}")


def _directed_key(name: str, directive: str) -> str:
    """The list that `$deleteFromPrimitiveList/LIST` or `$setElementOrder/LIST` speaks of."""
    prefix, slash, key = name.partition("/")
    if prefix == directive and slash:
        return key
    what = "primitive" if directive == DELETE_FROM_LIST else "setElementOrder"
    raise bad_request(f"invalid patch format of {what} list")


def _retain_keys(doc: Map, patch: Map) -> None:
    """Drops every key of the document that `$retainKeys` does not list."""
    if RETAIN_KEYS not in patch:
        return
    kept = patch.pop(RETAIN_KEYS)
    mentioned = (key for key, value in patch.items() if value is not None and not key.startswith(LIST_DIRECTIVES))
    if not isinstance(kept, list) or any(key not in kept for key in mentioned):
        raise bad_request("invalid patch format of retainKeys")
    for key in [key for key in doc if key not in kept]:
        del doc[key]


LIST_DIRECTIVES = (DELETE_FROM_LIST, SET_ORDER)


def _merge_key(doc: Map, key: str, value: Any, schema: Schema, is_deletion: bool) -> None:
    if value is None:
        doc.pop(key, None)
        return
    old = doc.get(key, MISSING)
    if isinstance(old, dict) and isinstance(value, dict):
        doc[key] = _merge_structs(old, value, _field(schema, key))
    elif isinstance(old, list) and isinstance(value, list):
        doc[key] = _merge_lists(old, value, _list_field(schema, key), is_deletion)
    elif not is_deletion:
        _set(doc, key, value)


def _set(doc: Map, key: str, value: Any) -> None:
    clean = _without_directives(_without_nulls(value))
    if clean is MISSING:
        doc.pop(key, None)
    else:
        doc[key] = clean


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _without_directives(value: Any) -> Any:
    """What is left of a new value without its directives; MISSING for a directive itself."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return MISSING
        clean = {key: _without_directives(item) for key, item in value.items()}
        return {key: item for key, item in clean.items() if item is not MISSING}
    if isinstance(value, list):
        return [item for item in map(_without_directives, value) if item is not MISSING]
    return value


def _merge_structs(old: Map, value: Map, field: Schema) -> Map:
    return value if _strategy(field) == "replace" else _merge_maps(old, value, field)


def _strategy(field: Schema) -> str:
    """The strategy besides retainKeys."""
    named = [one for one in field.strategies if one != "retainKeys"]
    if len(field.strategies) > 2 or len(named) > 1:
        raise internal(f"unexpected patch strategy: [{' '.join(field.strategies)}]")
    return named[0] if named else ""


def _field(schema: Schema, key: str) -> Schema:
    found = schema.map.fields.get(key) if schema.map else None
    if found is not None:
        return found
    if not schema.name:
        kind = "map" if schema.map else schema.type
        raise internal(f"merging an object in json but data type is not struct, instead is: {kind}")
    raise internal(f'unable to find api field in struct {schema.name} for the json field "{key}"')


def _list_field(schema: Schema, key: str) -> Schema:
    found = _field(schema, key)
    if found.list is None:
        raise internal("expected slice or array type, but got: struct")
    return found


def _merge_lists(old: list[Any], patch: list[Any], field: Schema, is_deletion: bool) -> list[Any]:
    if _strategy(field) != "merge" and not is_deletion:
        return patch
    if not old and not patch:
        return old
    if not _are_maps(old, patch):
        return _merge_primitives(old, patch, field, is_deletion)
    return _merge_items(old, patch, field)


def _are_maps(*lists: list[Any]) -> bool:
    kinds = {type(item) for items in lists for item in items}
    if not kinds:
        raise internal("no elements in any of the given slices")
    if len(kinds) > 1:
        raise internal(f"list element types are not identical: {gotext.plain(list(lists))}")
    if kinds == {list}:
        raise unprocessable()
    return kinds == {dict}


def _merge_primitives(old: list[Any], patch: list[Any], field: Schema, is_deletion: bool) -> list[Any]:
    if is_deletion:
        return [item for item in old if not _listed(item, patch)]
    merged = _distinct([*old, *patch])
    if field.merge_key:
        raise _not_a_map(merged[0])
    return _ordered(merged, patch, old, "")


def _distinct(items: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not _listed(item, kept):
            kept.append(item)
    return kept


def _listed(item: Any, items: list[Any]) -> bool:
    return any(same(item, other) for other in items)


def _merge_items(old: list[Any], patch: list[Any], field: Schema) -> list[Any]:
    key, item_type = field.merge_key, field.list.item if field.list else field
    if not key:
        raise internal("cannot merge lists without merge key for struct")
    old, patch = _special_items_applied(old, patch, key)
    merged = list(old)
    for item in patch:
        value = _key_of(item, key)
        place = _find(merged, key, value)
        if place is None:
            merged.append(item)
        else:
            merged[place] = _merge_maps(merged[place], item, item_type)
    return _ordered(merged, patch, old, key)


def _special_items_applied(old: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Deletes what `$patch: delete` names, and everything for `$patch: replace`; the rest of the patch."""
    plain = [item for item in patch if DIRECTIVE not in item]
    replaced = False
    for item in patch:
        directive = item.get(DIRECTIVE, MISSING)
        if directive == "delete":
            value = _key_of(item, key)
            old = [one for one in old if not (key in one and same(one[key], value))]
        elif directive == "replace":
            replaced = True
        elif directive == "merge":
            raise internal("merging lists cannot yet be specified in the patch")
        elif directive is not MISSING:
            raise _unknown_directive(item)
    return (plain, []) if replaced else (old, plain)


def _key_of(item: Map, key: str) -> Any:
    if key not in item:
        raise internal(f"map: {gotext.plain(item)} does not contain declared merge key: {key}")
    return item[key]


def _find(items: list[Any], key: str, value: Any) -> int | None:
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise internal(f"value for key {place} is not a map")
        if key in item and same(item[key], value):
            return place
    return None


def _merge_ordered_lists(doc: Map, patch: Map, schema: Schema) -> None:
    """Merges each list that has a `$setElementOrder`, and takes both out of the patch."""
    for name in [name for name in patch if name.startswith(SET_ORDER)]:
        order = patch.pop(name)
        if not isinstance(order, list):
            raise internal(f"expected a []interface {{}}, but received a {gotext.type_name(order)}")
        key = _directed_key(name, SET_ORDER)
        old, new = _list_at(doc, key), _list_at(patch, key)
        field = _list_field(schema, key)
        _check_order(new or [], order, field.merge_key)
        merged = _merged_list(old, new, field)
        if merged is not None:
            _are_maps(old or [], new or [])
            doc[key] = _ordered(merged, order, old or [], field.merge_key)
            patch.pop(key, None)


def _list_at(values: Map, key: str) -> list[Any] | None:
    found = values.get(key, MISSING)
    if found is MISSING:
        return None
    if not isinstance(found, list):
        raise internal(f"expected a []interface {{}}, but received a {gotext.type_name(found)}")
    return found


def _merged_list(old: list[Any] | None, new: list[Any] | None, field: Schema) -> list[Any] | None:
    if new is None:
        return old
    if old is None:
        return list(_without_directives(new))
    return _merge_lists(old, new, field, is_deletion=False)


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """The patch's items must come in the stated order, none unlisted; deletions do not count."""
    if not patch or not order:
        return
    kept = [item for item in patch if not (key and _is_deletion(item))]
    here = there = 0
    while here < len(kept) and there < len(order):
        if isinstance(kept[here], dict) and DIRECTIVE in kept[here]:
            here += 1
            continue
        here += _same_item(kept[here], order[there], key)
        there += 1
    if here < len(kept):
        listed = f"{gotext.plain(patch)}\n doesn't match {SET_ORDER} list:\n{gotext.plain(order)}\n"
        raise internal(f"The order in patch list:\n{listed}")


def _is_deletion(item: Any) -> bool:
    if not isinstance(item, dict):
        raise _not_a_map(item)
    return item.get(DIRECTIVE) == "delete"


def _not_a_map(item: Any) -> PatchRefused:
    return internal(f"expected a map[string]interface {{}}, but received a {gotext.type_name(item)}")


def _same_item(left: Any, right: Any, key: str) -> bool:
    if not key:
        return same(left, right)
    for item in (left, right):
        if not isinstance(item, dict):
            raise _not_a_map(item)
    return same(_key_of(left, key), _key_of(right, key))


def _ordered(merged: list[Any], patch: list[Any], old: list[Any], key: str) -> list[Any]:
    """The patch's items in its order, and before each of them the others that stood before it in the old list."""
    placed = [(_place(item, patch, key), _place(item, old, key), item) for item in merged]
    named = sorted((one for one in placed if one[0] >= 0), key=lambda one: one[0])
    others = sorted((one for one in placed if one[0] < 0), key=lambda one: one[1])
    result = []
    for _, place, item in named:
        while others and 0 <= others[0][1] < place:
            result.append(others.pop(0)[2])
        result.append(item)
    return result + [item for _, _, item in others]


def _place(item: Any, items: list[Any], key: str) -> int:
    """Where an item of this key (or value) first stands, -1 for nowhere."""
    if not key:
        return next((place for place, other in enumerate(items) if same(item, other)), -1)
    found = _find(items, key, _key_of(item, key))
    return -1 if found is None else found
