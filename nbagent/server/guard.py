"""`Guard`: refuses requests that no client of this server would send, before anything reads them."""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine for itself."""


class Guard:
    """Checks the host, the origin and the token of each request and each WebSocket.

    A page of another site that a browser has open can send requests to a server on loopback. It cannot choose its `Host` after
    a change of its name's address, nor its `Origin`.

    Args:
        app: takes the requests that pass.
        hosts: names by which the server may be addressed.
        origins: of pages elsewhere that may use it, such as `"https://example.org"`.
        token: that each request must bear; None for any.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str] = (), token: str | None = None) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
            return
        status, message = refused
        if scope["type"] == "websocket":
            await WebSocketClose(4000 + status, message)(scope, receive, send)
        else:
            headers = {"www-authenticate": "Bearer"} if status == 401 else None
            await JSONResponse({"error": {"message": message}}, status, headers)(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return 403, "this server is not addressed by that name"
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "pages of that origin may not use this server"
        if self._token is not None:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
                return 401, "the request needs the header Authorization: Bearer TOKEN"
        return None


def _name(host: str) -> str:
    """Return the name of a `Host` header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
