"""`Access`: the tokens of a server, and the browser sessions that were begun with one."""

import hmac
import secrets
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie
from typing import Literal, TypeAlias

from starlette.datastructures import Headers

from nbagent import gate
from nbagent.errors import NbagentError

COOKIE = "nbagent_session"
"""Cookie of a browser session. A page can set no header of an `EventSource` or a `WebSocket`, and a URL is logged."""

MIN_TOKEN_CHARS = 8
"""Characters of a token at least; `secrets.token_urlsafe()` makes one of 43."""

SESSION_S = 12 * 3600
"""Seconds that a browser session lasts."""

MAX_SESSIONS = 1_000
"""Browser sessions at a time; a further one ends the oldest."""

Role: TypeAlias = Literal["full", "read"]
"""Permission of a client: a reader reads lists and runs, but starts, stops and answers nothing."""


class Access:
    """Tells by its headers what a client may do.

    Args:
        token: gives full access; None gives it to all clients.
        read_token: gives access to read only.

    Raises:
        NbagentError: there is a `read_token` without a `token`, both are the same, or one is too short or no word of ASCII.
    """

    def __init__(self, token: str | None = None, read_token: str | None = None) -> None:
        if read_token is not None and (token is None or hmac.compare_digest(token.encode(), read_token.encode())):
            raise NbagentError("read_token= needs a token= too, and another one: without it all clients have full access")
        self._tokens: dict[Role, bytes] = {}
        given: dict[Role, str | None] = {"full": token, "read": read_token}
        for role, each in given.items():
            if each is None:
                continue
            if len(each) < MIN_TOKEN_CHARS or not each.isascii() or not each.isprintable() or " " in each:
                raise NbagentError(f"a token has at least {MIN_TOKEN_CHARS} ASCII characters and no space, got {len(each)}")
            gate.secrets.register(each)
            self._tokens[role] = each.encode()
        self._sessions: OrderedDict[str, tuple[Role, float]] = OrderedDict()  # by id; ends in monotonic seconds

    @property
    def is_open(self) -> bool:
        """True if no token is needed."""
        return not self._tokens

    def role_of(self, headers: Headers) -> Role | None:
        """Return the role of the client that sent these headers; None if it has none."""
        if self.is_open:
            return "full"
        kind, _, given = headers.get("authorization", "").partition(" ")
        if given:
            return self._role_of_token(given.strip()) if kind.lower() == "bearer" else None
        role, end = self._sessions.get(_session_id(headers), (None, 0.0))
        return role if time.monotonic() < end else None

    def log_in(self, token: str) -> tuple[str, Role] | None:
        """Begin a browser session. Return its id and its role; None if the token is wrong."""
        role = "full" if self.is_open else self._role_of_token(token)
        if role is None:
            return None
        session = secrets.token_urlsafe(32)
        self._sessions[session] = (role, time.monotonic() + SESSION_S)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session, role

    def log_out(self, headers: Headers) -> None:
        """End the browser session of the client that sent these headers."""
        self._sessions.pop(_session_id(headers), None)

    def is_told_by(self, text: str) -> bool:
        """Return True if a text has one of the tokens in it."""
        return any(token.decode() in text for token in self._tokens.values())

    def _role_of_token(self, given: str) -> Role | None:
        data = given.encode(errors="surrogateescape")
        roles: list[Role] = [role for role, token in self._tokens.items() if hmac.compare_digest(data, token)]
        return roles[0] if roles else None


def _session_id(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
