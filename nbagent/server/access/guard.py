"""`Guard`: refuses requests that no client of this server would send, before anything reads
them.
"""

import contextlib
import ipaddress
import math
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from nbagent.server.access.access import Access
from nbagent.server.access.rate import Rate
from nbagent.server.limits import DEFAULTS, Limits
from nbagent.server.problem import Problem

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine for itself."""

WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened at
"""Addresses that stand for all of this machine's."""

OPEN_PATHS = frozenset({"/login", "/logout", "/ready"})
"""Paths that need no token: one takes it, one gives up what came of it, and one is asked by load
balancers.
"""

ROLE = "nbagent.role"
"""Key of a scope with the role of its client; see `nbagent.server.access.access.Role`."""

LOGINS_PER_S = 1.0
"""Attempts of a client's address to log in per second, in the long run."""

LOGINS_BURST = 20
"""Attempts of a client's address to log in at once."""


TOO_LARGE = 1009
"""Code with which a WebSocket is closed whose client sends too large a message (RFC 6455, section
7.4.1).
"""


class Guard:
    """Checks the size, the host, the origin, the rate and the token of each request and each
    WebSocket.

    A page of another site that a browser has open can send requests to a server on loopback. It
    cannot choose its `Host` after a change of its name's address, nor its `Origin`. The request of
    an image or a link has no `Origin`, but a `Sec-Fetch-Site` where browsers trust the server's
    address: with https and on loopback. At any other address a GET that may start a run is taken
    only with a proof that no such page sent it. https://w3c.github.io/webappsec-fetch-metadata/

    Args:
        app: takes the requests that pass.
        hosts: names by which the server may be addressed. With one of `WILDCARDS` among them, these
            are also all addresses in numbers, which no site can change as it can its name's, and
            the machine's own name.
        origins: of pages elsewhere that may use it, such as `"https://example.org"`.
        access: what each client may do; by default anything.
        readable: routes that a reader may use.
        changing: routes that may start or change something.
        brief: routes whose responses are short; others are streams, which an address has so many of
            at a time.
        limits: of sizes and rates.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str],
        origins: Iterable[str] = (),
        access: Access | None = None,
        readable: Sequence[BaseRoute] = (),
        changing: Sequence[BaseRoute] = (),
        brief: Sequence[BaseRoute] = (),
        limits: Limits = DEFAULTS,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._has_any_address = not self._hosts.isdisjoint(WILDCARDS)
        if self._has_any_address:
            self._hosts = (self._hosts - WILDCARDS) | {socket.gethostname().lower()}
        self._origins = frozenset(origins)
        self._access = access or Access()
        self._readable = readable
        self._changing = changing
        self._brief = brief
        self._open: Counter[str] = Counter()  # requests by their client's address
        self._limits = limits
        self._rate = Rate(limits.requests_per_s, limits.requests_at_once)
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
            self._check_streams(scope)
            await self._check_access(scope, headers)
        except Problem as problem:
            await _refuse(problem, scope, receive, send)
        else:
            with self._counted(_client(scope)):
                await self._app(scope, self._limited(scope, headers, receive, send), send)

    def _check_size(self, scope: Scope) -> None:
        limits, lines = self._limits, scope["headers"]
        if len(lines) > limits.max_headers:
            raise Problem(
                431,
                f"the request has more than {limits.max_headers:,} headers, the limit max_headers",
            )
        if sum(len(name) + len(value) for name, value in lines) > limits.max_headers_bytes:
            raise Problem(
                431,
                f"the headers have more than {limits.max_headers_bytes:,} bytes, the limit "
                "max_headers_bytes",
            )

    def _limited(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> Receive:
        """Return a `receive` that limits a request's body or the messages of a WebSocket."""
        limit, size = self._limits.max_body_bytes, 0
        length = headers.get("content-length", "0")
        announced = int(length[:20]) if length.isdecimal() else 0

        async def receive_body() -> Message:
            nonlocal size
            message: Message = {} if announced > limit else await receive()
            size += len(message.get("body", b""))
            if max(size, announced) > limit:
                raise Problem(
                    413, f"the body has more than {limit:,} bytes, the limit max_body_bytes"
                )
            return message

        async def receive_message() -> Message:
            message = await receive()
            if (
                len(message.get("bytes") or (message.get("text") or "").encode(errors="replace"))
                > limit
            ):
                await send(
                    {
                        "type": "websocket.close",
                        "code": TOO_LARGE,
                        "reason": "larger than max_body_bytes",
                    }
                )
                return {"type": "websocket.disconnect", "code": TOO_LARGE, "reason": ""}
            return message

        if scope["type"] == "websocket":
            return receive_message
        # Nothing keeps the body of a GET, which is met only when the response has begun.
        return receive if scope["method"] in ("GET", "HEAD") else receive_body

    def _check_sender(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        name = _name(host)
        if name not in self._hosts and not (self._has_any_address and _is_address(name)):
            raise Problem(
                403,
                "this server is not addressed by that name; who runs it allows it with hosts= or "
                "--allowed-host",
            )
        origin = headers.get("origin")
        if origin is None:
            if headers.get("sec-fetch-site", "none") not in (
                "none",
                "same-origin",
            ) and not _is_page(scope):
                raise Problem(403, "pages of another origin may not use this server")
            self._check_link(scope, headers, name)
        elif origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            raise Problem(403, "pages of that origin may not use this server")

    def _check_link(self, scope: Scope, headers: Headers, name: str) -> None:
        """Refuse a GET that may start a run if an image or a link of another site could have sent
        it.
        """
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return
        # No page can have a browser send this header without asking the server first.
        if "sec-fetch-site" in headers or "authorization" in headers or _is_loopback(name):
            return
        if urlsplit(headers.get("referer", "")).netloc.lower() == headers.get("host", "").lower():
            return
        if _matches(self._changing, scope):
            needed = (
                "send the prompt by POST, or the header Authorization: Bearer TOKEN, or use https"
            )
            raise Problem(
                403, f"a link of another site could have sent this GET over plain http: {needed}"
            )

    def _check_streams(self, scope: Scope) -> None:
        limit = self._limits.streams_at_once
        if self._open[_client(scope)] >= limit and not _matches(self._brief, scope):
            raise Problem(
                429,
                f"this address has {limit:,} streams already, which is the limit streams_at_once",
            )

    @contextlib.contextmanager
    def _counted(self, client: str) -> Iterator[None]:
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def _check_rate(self, scope: Scope) -> None:
        client = _client(scope)
        wait_s, reason = (
            self._rate.wait_s(client),
            "more than the limits requests_per_s and requests_at_once",
        )
        if not wait_s and _path(scope) == "/login":
            wait_s, reason = self._logins.wait_s(client), "each of which tries a token"
        if wait_s:
            raise Problem(
                429, f"too many requests, {reason}", {"retry-after": str(math.ceil(wait_s))}
            )

    async def _check_access(self, scope: Scope, headers: Headers) -> None:
        if self._access.is_in(unquote_plus(scope["query_string"].decode("latin-1"))):
            raise Problem(
                400,
                "the token is part of the URL, which is logged on its way: send it in a header, "
                "and change it",
            )
        if _is_page(scope) or _path(scope) in OPEN_PATHS:
            return
        role = await self._access.role_of(headers)
        if role is None:
            needed = (
                "the request needs the header Authorization: Bearer TOKEN, or the cookie that "
                "POST /login gives"
            )
            raise Problem(401, needed, {"www-authenticate": "Bearer"})
        scope[ROLE] = role
        if role == "read" and not _matches(self._readable, scope):
            raise Problem(
                403,
                "the read token gives no access to this: what starts, stops or answers needs the "
                "other token",
            )


def _client(scope: Scope) -> str:
    """Return the address of a client; "" if it has none."""
    return str((scope.get("client") or [""])[0])


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocketClose(4000 + problem.status, str(problem))(scope, receive, send)
    else:
        await problem.response()(scope, receive, send)


def _matches(routes: Sequence[BaseRoute], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _is_loopback(name: str) -> bool:
    """Return True for a name or an address that browsers take for this machine's."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_page(scope: Scope) -> bool:
    """Return True for the web page and its files: they are the same for all, and hold nothing
    secret.
    """
    path = _path(scope)
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and (path == "/" or path.startswith("/static/"))
    )


def _path(scope: Scope) -> str:
    """Return the path of a request below the one that the application is mounted at."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    """Return the name of a `Host` header, without the port; empty if the header is none."""
    try:
        parts = urlsplit(f"//{host}")
        # Raises ValueError for a port that is no number.
        return (parts.hostname or "").lower() if parts.port != 0 else ""
    except ValueError:
        return ""
