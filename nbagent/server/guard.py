"""`Guard`: refuses requests that no client of this server would send, before anything reads them."""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from nbagent.server.access import Access

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine for itself."""

SESSION_PATHS = frozenset({"/login", "/logout"})
"""Paths that need no token: one takes it, the other gives up what came of it."""


class Guard:
    """Checks the host, the origin and the token of each request and each WebSocket.

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused_sender(scope, headers) or self._refused_access(scope, headers)
        if refused is None:
            await self._app(scope, receive, send)
            return
        status, message = refused
        if scope["type"] == "websocket":
            await WebSocketClose(4000 + status, message)(scope, receive, send)
        else:
            challenge = {"www-authenticate": "Bearer"} if status == 401 else None
            await JSONResponse({"error": {"message": message}}, status, challenge)(scope, receive, send)

    def _refused_sender(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return 403, "this server is not addressed by that name"
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not _is_page(scope):
                return 403, "pages of another origin may not use this server"
        elif origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "pages of that origin may not use this server"
        return None

    def _refused_access(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        if self._access.is_told_by(unquote_plus(scope["query_string"].decode("latin-1"))):
            return 400, "the token is part of the URL, which is logged on its way: send it in a header, and change it"
        if _is_page(scope) or _path(scope) in SESSION_PATHS:
            return None
        role = self._access.role_of(headers)
        if role is None:
            return 401, "the request needs the header Authorization: Bearer TOKEN, or the cookie that POST /login gives"
        if role == "read" and not any(route.matches(scope)[0] is Match.FULL for route in self._readable):
            return 403, "the read token gives no access to this: a request that starts, stops or answers needs the other token"
        return None


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
