"""`Guard`: refuses requests that no client of this server would send, before anything reads them."""

import math
from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from nbagent.server.access import Access
from nbagent.server.problem import Problem
from nbagent.server.rate import Rate

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine for itself."""

SESSION_PATHS = frozenset({"/login", "/logout"})
"""Paths that need no token: one takes it, the other gives up what came of it."""


ROLE = "nbagent.role"
"""Key of a scope with the role of its client; see `nbagent.server.access.Role`."""

MAX_HEADERS = 100
"""Header lines of a request at most."""

MAX_HEADERS_BYTES = 32 * 1024
"""Bytes of a request's headers at most."""

REQUESTS_PER_S = 500.0
"""Requests of a client's address per second, in the long run. A stream is one."""

BURST = 2_000
"""Requests of a client's address at once."""

LOGINS_PER_S = 1.0
"""Attempts of a client's address to log in per second, in the long run."""

LOGINS_BURST = 20
"""Attempts of a client's address to log in at once."""


class Guard:
    """Checks the headers' size, the host, the origin, the rate and the token of each request and each WebSocket.

    A page of another site that a browser has open can send requests to a server on loopback. It cannot choose its `Host` after
    a change of its name's address, nor its `Origin`. The request of an image has no `Origin`, but a `Sec-Fetch-Site`.

    Args:
        app: takes the requests that pass.
        hosts: names by which the server may be addressed.
        origins: of pages elsewhere that may use it, such as `"https://example.org"`.
        access: tells what a client may do; by default anything.
        readable: routes that a reader may use.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str],
        origins: Iterable[str] = (),
        access: Access | None = None,
        readable: Sequence[BaseRoute] = (),
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)
        self._access = access or Access()
        self._readable = readable
        self._rate = Rate(REQUESTS_PER_S, BURST)
        self._logins = Rate(LOGINS_PER_S, LOGINS_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_size(scope)
            self._check_sender(scope, headers)
            self._check_rate(scope)
            await self._check_access(scope, headers)
        except Problem as problem:
            await _refuse(problem, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check_size(self, scope: Scope) -> None:
        lines = scope["headers"]
        if len(lines) > MAX_HEADERS or sum(len(name) + len(value) for name, value in lines) > MAX_HEADERS_BYTES:
            raise Problem(
                431, f"the request has more than {MAX_HEADERS} headers, or more than {MAX_HEADERS_BYTES:,} bytes of them"
            )

    def _check_sender(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            raise Problem(403, "this server is not addressed by that name")
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not _is_page(scope):
                raise Problem(403, "pages of another origin may not use this server")
        elif origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            raise Problem(403, "pages of that origin may not use this server")

    def _check_rate(self, scope: Scope) -> None:
        client = (scope.get("client") or [""])[0]
        wait_s = self._rate.wait_s(client)
        if not wait_s and _path(scope) == "/login":
            wait_s = self._logins.wait_s(client)
        if wait_s:
            raise Problem(429, "too many requests", {"retry-after": str(math.ceil(wait_s))})

    async def _check_access(self, scope: Scope, headers: Headers) -> None:
        if self._access.is_told_by(unquote_plus(scope["query_string"].decode("latin-1"))):
            raise Problem(400, "the token is part of the URL, which is logged on its way: send it in a header, and change it")
        if _is_page(scope) or _path(scope) in SESSION_PATHS:
            return
        role = await self._access.role_of(headers)
        if role is None:
            needed = "the request needs the header Authorization: Bearer TOKEN, or the cookie that POST /login gives"
            raise Problem(401, needed, {"www-authenticate": "Bearer"})
        scope[ROLE] = role
        if role == "read" and not any(route.matches(scope)[0] is Match.FULL for route in self._readable):
            raise Problem(403, "the read token gives no access to this: what starts, stops or answers needs the other token")


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(4000 + problem.status, str(problem))(scope, receive, send)
    else:
        await problem.response()(scope, receive, send)


def _is_page(scope: Scope) -> bool:
    """Return True for the web page and its files: they are the same for all, and hold nothing secret."""
    path = _path(scope)
    return scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and (path == "/" or path.startswith("/static/"))


def _path(scope: Scope) -> str:
    """Return the path of a request below the one that the application is mounted at."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def _name(host: str) -> str:
    """Return the name of a `Host` header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
