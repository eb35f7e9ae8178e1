"""Acting as somebody else: the Impersonate headers, and whether one may."""

from __future__ import annotations

from collections.abc import Iterator

from multidict import CIMultiDictProxy

from meshctl.sandbox.apiserver.auth.rbac import Authorizer
from meshctl.sandbox.apiserver.auth.rules import Access
from meshctl.sandbox.apiserver.auth.user import ACCOUNT_PREFIX, ANONYMOUS, User, account_groups, authenticated
from meshctl.sandbox.apiserver.failure import Failure, forbidden, forbidden_path, internal
from meshctl.sandbox.apiserver.target import Target

USER, GROUP, UID, EXTRA = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "impersonate-extra-"


def impersonated(authorizer: Authorizer, user: User, headers: CIMultiDictProxy[str], asked: Target) -> User:
    """The user to act as: the one of the headers, if `user` may be that; Failure 403."""
    name = headers.get(USER, "")
    groups, uid = tuple(headers.getall(GROUP, ())), headers.get(UID, "")
    extra = {key[len(EXTRA) :].lower(): tuple(headers.getall(key)) for key in headers if key.lower().startswith(EXTRA)}
    if not name:
        if groups or uid or extra:
            raise internal("requested ... without impersonating a user")
        return user
    other = _completed(User(name, uid, groups, extra))
    for access in _needed(other, groups):
        if not authorizer.judge(user, access).allowed:
            raise _denied(user, asked)
    return other


def _completed(user: User) -> User:
    if user.name.startswith(ACCOUNT_PREFIX) and not user.groups:
        namespace = user.name.removeprefix(ACCOUNT_PREFIX).partition(":")[0]
        user = User(user.name, user.uid, account_groups(namespace), user.extra)
    if user.name == ANONYMOUS.name:
        return User(user.name, user.uid, user.groups or ANONYMOUS.groups, user.extra)
    return authenticated(user)


def _needed(user: User, groups: tuple[str, ...]) -> Iterator[Access]:
    if user.name.startswith(ACCOUNT_PREFIX) and user.name.count(":") == 3:
        namespace, account = user.name.removeprefix(ACCOUNT_PREFIX).split(":")
        yield Access("impersonate", "", "serviceaccounts", namespace, account)
    else:
        yield Access("impersonate", "", "users", "", user.name)
    for group in groups:
        yield Access("impersonate", "", "groups", "", group)
    if user.uid:
        yield Access("impersonate", "authentication.k8s.io", "uids", "", user.uid)
    for key, values in user.extra.items():
        for value in values:
            yield Access("impersonate", "authentication.k8s.io", f"userextras/{key}", "", value)


def _denied(user: User, asked: Target) -> Failure:
    verb = f"impersonate-on:user-info:{asked.verb}"
    if not asked.is_resource:
        error = forbidden_path(f'User "{user.name}" cannot {verb} path "{asked.path}"')
    else:
        message = f'User "{user.name}" cannot {verb} {asked.described}'
        error = forbidden(asked.group, asked.resource, asked.name, message)
    error.headers = {"X-Content-Type-Options": "nosniff"}
    return error
