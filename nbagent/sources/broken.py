"""Broken connections of other libraries' clients, reported in one way whichever client reads the
stream.

Exceptions are recognised by the names of their classes, so that no client is imported: openai and
anthropic on httpx2 or httpx, aiohttp, requests on urllib3, websockets, and Python's own.
"""

import socket
from typing import Any

from nbagent.errors import StreamError, causes
from nbagent.gate import secrets
from nbagent.sources.failure import failure

CONNECTION_LOST = "connection_lost"
"""Code of a connection that broke while the response came."""

CONNECT_ERROR = "connect_error"
"""Code of a connection that was never made."""

_LOST = {
    "openai.APIConnectionError",
    "anthropic.APIConnectionError",
    "httpx.NetworkError",
    "httpx.ProtocolError",
    "httpx2.NetworkError",
    "httpx2.ProtocolError",
    "aiohttp.ClientConnectionError",
    "aiohttp.ClientPayloadError",
    "requests.ConnectionError",
    "requests.ChunkedEncodingError",
    "urllib3.ProtocolError",
    "http.IncompleteRead",
    "websockets.ConnectionClosedError",
    "builtins.ConnectionError",
}
_NOT_MADE = {
    "httpx.ConnectError",
    "httpx2.ConnectError",
    "aiohttp.ClientConnectorError",
    "urllib3.NewConnectionError",
    "builtins.ConnectionRefusedError",
    "socket.gaierror",
}
_TOO_LATE = {
    "openai.APITimeoutError",
    "anthropic.APITimeoutError",
    "httpx.TimeoutException",
    "httpx2.TimeoutException",
    "requests.Timeout",
    "builtins.TimeoutError",  # aiohttp's time-outs are such
}


def connection_error(error: BaseException | None) -> StreamError | None:
    """Return the error of a broken connection as a `StreamError` with the code "connection_lost" or
    "connect_error".

    Its message has the host, if the client gives it, and the first cause. Its own cause is the
    client's error, unless that holds a credential.

    Returns:
        None for any other error, such as a time-out, a status of the service, or a `StreamError`.
    """
    if error is None or isinstance(error, StreamError):
        return None
    names = _class_names(error)
    if names & _TOO_LATE or not names & _LOST:
        return None
    chain = list(causes(error))
    host = next(filter(None, map(_host_of, chain)), None)
    where = ""
    if host:
        where = f" to {host}"
    reason = str(chain[-1]) or str(error) or type(error).__name__
    if any(map(_was_not_made, chain)):
        text = f"No connection{where}: {reason}. Is the address right, and the service up?"
        explained = failure(text, CONNECT_ERROR)
    else:
        explained = failure(f"The connection{where} broke: {reason}", CONNECTION_LOST)
    explained.__cause__ = secrets.without_secrets(error)
    return explained


def _was_not_made(error: BaseException) -> bool:
    """Return True if an error says that a connection was never made."""
    return isinstance(error, socket.gaierror) or bool(_class_names(error) & _NOT_MADE)


def _class_names(error: BaseException) -> set[str]:
    """Return the classes of an error as "package.Class"."""
    return {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}


def _host_of(error: BaseException) -> str | None:
    """Return host and port of the request that an error of an HTTP client belongs to; without
    credentials.
    """
    try:
        url: Any = getattr(error, "request").url  # noqa: B009 - httpx raises RuntimeError where there is no request
        if url.port:
            return f"{url.host}:{url.port}"
        return str(url.host)
    except Exception:
        return None
