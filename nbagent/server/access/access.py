"""`Access`: the tokens of a server, and the browser sessions that were begun with one."""

import hashlib
import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from typing import Literal, NamedTuple, TypeAlias, get_args

from starlette.datastructures import Headers

from nbagent import gate
from nbagent.errors import NbagentError
from nbagent.server.stores.event_store import Logouts

COOKIE = "nbagent_session"
"""Cookie of a browser session.

A page can set no header of an `EventSource` or a `WebSocket`, and a URL is logged.
"""

MIN_TOKEN_CHARS = 8
"""Characters of a token at least; `secrets.token_urlsafe()` makes one of 43."""

SESSION_S = 12 * 3600
"""Seconds that a browser session lasts."""

Role: TypeAlias = Literal["full", "read"]
"""Permission of a client: a reader reads lists and runs, but starts, stops and answers nothing."""


class BrowserSession(NamedTuple):
    """A browser session, as in its cookie: `ID.ROLE.END.SIGNATURE`.

    Attributes:
        id: of the session; cannot be guessed.
        role: permission of the browser.
        end: of the session, in seconds since the epoch.
    """

    id: str
    role: Role
    end: int


class Access:
    """Tells by its headers what a client may do.

    The cookie of a browser session is signed with a key made of the session's token. So each server
    process with the same tokens takes it, also one that is started later, and none does after the
    token was changed.

    Args:
        token: gives full access; None gives it to all clients.
        read_token: gives access to read only.

    Attributes:
        logouts: keeps for all processes which browser sessions were ended; None if a cookie is
            taken until its end.

    Raises:
        NbagentError: there is a `read_token` without a `token`, both are the same, or one is too
            short or no word of ASCII.
    """

    def __init__(self, token: str | None = None, read_token: str | None = None) -> None:
        if read_token is not None and (
            token is None or hmac.compare_digest(token.encode(), read_token.encode())
        ):
            raise NbagentError(
                "read_token= needs a token= too, and another one: without it all clients have "
                "full access"
            )
        self._tokens: dict[Role, bytes] = {}
        given: dict[Role, str | None] = {"full": token, "read": read_token}
        for role, each in given.items():
            if each is None:
                continue
            if (
                len(each) < MIN_TOKEN_CHARS
                or not each.isascii()
                or not each.isprintable()
                or " " in each
            ):
                raise NbagentError(
                    f"a token has at least {MIN_TOKEN_CHARS} ASCII characters and no space, got "
                    f"{len(each)}"
                )
            gate.secrets.register(each)
            self._tokens[role] = each.encode()
        self._keys = {role: _key_of(each) for role, each in self._tokens.items()}
        self.logouts: Logouts | None = None

    @property
    def is_open(self) -> bool:
        """True if no token is needed."""
        return not self._tokens

    async def role_of(self, headers: Headers) -> Role | None:
        """Return the role of the client that sent these headers; None if it has none.

        Raises:
            Problem: it cannot be read at the moment whether the browser session was ended (503).
        """
        if self.is_open:
            return "full"
        kind, _, given = headers.get("authorization", "").partition(" ")
        if given:
            if kind.lower() != "bearer":
                return None
            return self._role_of_token(given.strip())
        session = self._session_of(headers)
        if session is None or (
            self.logouts is not None and await self.logouts.is_logged_out(session.id)
        ):
            return None
        return session.role

    def log_in(self, token: str) -> tuple[str, Role] | None:
        """Begin a browser session. Return its cookie and its role; None if the token is wrong."""
        role = "full" if self.is_open else self._role_of_token(token)
        if role is None:
            return None
        claims = f"{secrets.token_urlsafe(16)}.{role}.{int(time.time()) + SESSION_S}"
        return f"{claims}.{self._signature(role, claims)}", role

    async def log_out(self, headers: Headers) -> None:
        """End the browser session of the client that sent these headers, in all processes.

        Raises:
            Problem: it cannot be kept at the moment that the session was ended (503).
        """
        session = self._session_of(headers)
        if session is not None and self.logouts is not None:
            await self.logouts.log_out(session.id, session.end)

    def is_in(self, text: str) -> bool:
        """Return True if a text contains one of the tokens."""
        return any(token.decode() in text for token in self._tokens.values())

    def _role_of_token(self, given: str) -> Role | None:
        data = given.encode(errors="surrogateescape")
        roles: list[Role] = [
            role for role, token in self._tokens.items() if hmac.compare_digest(data, token)
        ]
        return roles[0] if roles else None

    def _session_of(self, headers: Headers) -> BrowserSession | None:
        """Return the browser session of a cookie; None if there is none, or it is over."""
        claims, _, signature = _cookie(headers).rpartition(".")
        id, role, end, *_ = *claims.split("."), "", "", ""
        known = next((each for each in get_args(Role) if each == role and each in self._keys), None)
        if known is None or not hmac.compare_digest(
            self._signature(known, claims).encode(), signature.encode()
        ):
            return None
        if time.time() >= int(end):
            return None
        return BrowserSession(id, known, int(end))

    def _signature(self, role: Role, claims: str) -> str:
        return hmac.new(self._keys.get(role, b""), claims.encode(), hashlib.sha256).hexdigest()


def _key_of(token: bytes) -> bytes:
    """Return the key of a token's browser sessions.

    It takes 30 ms, so that a cookie is of no use to guess a short token.
    """
    return hashlib.scrypt(token, salt=COOKIE.encode(), n=2**14, r=8, p=1, dklen=32)


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
