"""Credentials of a request into a user: certificate, bearer token, or nobody."""

from __future__ import annotations

from collections.abc import Sequence

from meshctl.sandbox.apiserver.auth.certificates import CertificateUsers
from meshctl.sandbox.apiserver.auth.tokens import NOT_OURS, AccountTokens, InvalidToken, StaticTokens
from meshctl.sandbox.apiserver.auth.user import ANONYMOUS, User, authenticated
from meshctl.sandbox.apiserver.failure import unauthorized


class Authenticator:
    """Knows the client CA, the token file and the service accounts."""

    def __init__(
        self,
        certificates: CertificateUsers,
        static: StaticTokens,
        accounts: AccountTokens,
        audiences: Sequence[str],
    ) -> None:
        self._certificates = certificates
        self._static = static
        self._accounts = accounts
        self._audiences = tuple(audiences)

    def user(self, certificate: bytes | None, authorization: str) -> User:
        """Who asks; without credentials, anonymous; Failure 401 if they are wrong."""
        if certificate and (user := self._certificates.user(certificate)):
            return authenticated(user)
        token = bearer(authorization)
        if token:
            return self._token_user(token)
        if certificate:
            raise unauthorized()
        return ANONYMOUS

    def _token_user(self, token: str) -> User:
        try:
            user, _ = self.review(token, self._audiences)
        except InvalidToken:
            raise unauthorized() from None
        return user

    def review(self, token: str, audiences: Sequence[str] = ()) -> tuple[User, tuple[str, ...]]:
        """Whose token it is, for which of the audiences (none: this server's); InvalidToken says why not."""
        wanted = tuple(audiences) or self._audiences
        if user := self._static.user(token):
            return authenticated(user), tuple(one for one in wanted if one in self._audiences)
        try:
            found = self._accounts.user(token, wanted)
        except InvalidToken as error:
            raise InvalidToken(f"[{NOT_OURS}, {error}]") from None
        if not found:
            raise InvalidToken(NOT_OURS)
        return authenticated(found[0]), found[1]


def bearer(authorization: str) -> str:
    """The token of an Authorization header, if it has one."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
