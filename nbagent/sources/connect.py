"""`connect()`: the address of a service in, its stream out."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbagent.sources.request import IDLE_TIMEOUT, Auth, Content, Request
from nbagent.sources.stream import ServiceStream

if TYPE_CHECKING:
    import httpx2

_ADDRESS = re.compile(r"(?:https?|wss?|grpcs?)://\S+", re.IGNORECASE)


def is_address(source: object) -> bool:
    """Whether the source is the address of a stream: a text that is nothing but an `http`, `ws` or `grpc` URL."""
    return isinstance(source, str) and _ADDRESS.fullmatch(source.strip()) is not None


def connect(
    url: str,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    auth: Auth | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    content: Content | None = None,
    connect_timeout: float = 10.0,
    idle_timeout: float = IDLE_TIMEOUT,
    timeout: float | None = None,
    reconnect: bool = True,
    subprotocols: Iterable[str] = (),
    client: "httpx2.AsyncClient | None" = None,
) -> ServiceStream:
    """The stream behind an address: an async iterable of its items, for `nbagent.show` or a loop of your own.

    Nothing is sent before it is iterated. An HTTP body may be server-sent events, JSON (one document to a line, one after
    another, or an array) or text; a WebSocket gives one item for each message; a gRPC method (`grpc://host:port/package.Service/Method`)
    is looked up by the server's reflection. Credentials in any of these are masked in everything that nbagent shows or saves.

    Args:
        url: where it is: `https://`, `http://`, `wss://`, `ws://`, `grpcs://` or `grpc://`.
        method: the HTTP method; by default POST with a body and GET without.
        headers: sent along (gRPC: as metadata).
        auth: a user name and password, or one of httpx2's own kinds of authentication.
        params: added to the address's query.
        json: the body, as a value. On a WebSocket the message that is sent first, or a list of them; for gRPC the request.
        content: the body as text or bytes, instead of `json`; on a WebSocket also a list of messages.
        connect_timeout: seconds until there must be a connection.
        idle_timeout: seconds that the service may send nothing at all.
        timeout: seconds that all of it may take; None for no limit.
        reconnect: whether a GET of server-sent events that breaks is continued where it was, if every event had an id.
        subprotocols: of a WebSocket, by preference.
        client: an `httpx2.AsyncClient` of yours to use, with its proxies, certificates and cookies; it is not closed here, and
            the stream is read on the loop that `show` is called on.

    Returns:
        The stream. Iterating it raises `StreamError` where the connection or the service fails, with a code: the status or
        the service's own code, "connect_timeout", "idle_timeout", "timeout", "connect_error", "connection_lost", "html".

    Raises:
        ValueError: the address or an option makes no sense.
        TypeError: `client` is not an async one.
        MissingExtra: a WebSocket or gRPC needs a package that is not installed; the message says which.
    """
    request = Request(
        url.strip(),
        method=method,
        headers=headers,
        auth=auth,
        params=params,
        json=json,
        content=content,
        connect_timeout=connect_timeout,
        idle_timeout=idle_timeout,
        timeout=timeout,
        reconnect=reconnect,
        subprotocols=tuple(subprotocols),
        client=client,
    )
    scheme = urlsplit(request.url).scheme.lower()
    if scheme in ("http", "https"):
        from nbagent.sources.http import HTTPStream

        return HTTPStream(request)
    if scheme in ("ws", "wss"):
        from nbagent.sources.websocket import WebSocketStream

        return WebSocketStream(request)
    if scheme in ("grpc", "grpcs"):
        from nbagent.sources.grpc import GRPCStream

        return GRPCStream(request)
    raise ValueError(f"connect() knows http, https, ws, wss, grpc and grpcs addresses; got {scheme!r}")
