"""`connect()`: returns the stream of a service by its address."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbagent.sources.request import IDLE_TIMEOUT_S, Auth, Content, Request
from nbagent.sources.stream import ServiceStream

if TYPE_CHECKING:
    import httpx2

_ADDRESS = re.compile(r"(?:https?|wss?|grpcs?)://\S+", re.IGNORECASE)


def is_address(source: object) -> bool:
    """Return True if the source is a text that consists of an `http`, `ws` or `grpc` URL."""
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
    idle_timeout: float = IDLE_TIMEOUT_S,
    timeout: float | None = None,
    reconnect: bool = True,
    subprotocols: Iterable[str] = (),
    client: "httpx2.AsyncClient | None" = None,
) -> ServiceStream:
    """Return the stream behind an address: an async iterable of items, for `nbagent.show` or a loop
    of your own.

    Nothing is sent before it is iterated. An HTTP body may be server-sent events, JSON (one
    document to a line, one after another, or an array) or text; a WebSocket gives one item for each
    message; a gRPC method (`grpc://host:port/package.Service/Method`) is looked up by the server's
    reflection. Credentials in any of these are masked in everything that nbagent shows or saves.

    Args:
        url: the address: `https://`, `http://`, `wss://`, `ws://`, `grpcs://` or `grpc://`.
        method: the HTTP method; by default POST with a body and GET without.
        headers: sent with the request (gRPC: as metadata).
        auth: a user name and password, or one of httpx2's own kinds of authentication.
        params: added to the address's query.
        json: the body, as a value. On a WebSocket the message that is sent first, or a list of
            them; for gRPC the request.
        content: the body as text or bytes, instead of `json`; on a WebSocket also a list of
            messages.
        connect_timeout: seconds in which the connection must open.
        idle_timeout: seconds for which the service may send nothing. Any byte counts, also that of
            a keep-alive comment.
        timeout: seconds for the whole stream; None for no limit.
        reconnect: whether a GET of server-sent events whose connection breaks is continued after
            its last event. Every event must have an id for that.
        subprotocols: of a WebSocket, the preferred one first.
        client: an `httpx2.AsyncClient` of yours to use, with its proxies, certificates and cookies;
            it is not closed here, and the stream is read on the loop on which `show` is called.

    Returns:
        The stream. Iterating over it raises `StreamError` where the connection or the service
        fails, with a code: the status or the service's own code, "connect_timeout", "idle_timeout",
        "timeout", "connect_error", "connection_lost", "html".

    Raises:
        ValueError: the address or an option is not valid.
        TypeError: `client` is not an async one.
        MissingExtra: a WebSocket or gRPC needs an extra that is not installed; the message names
            it.
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
    raise ValueError(
        f"connect() knows http, https, ws, wss, grpc and grpcs addresses; got {scheme!r}"
    )
