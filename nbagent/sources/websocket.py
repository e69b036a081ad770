"""Streams over WebSocket: each message of the service is an item.

The protocol: https://www.rfc-editor.org/rfc/rfc6455, spoken by wsproto over a connection that
httpx2 opens and upgrades, so that proxies, certificates, time-outs and errors are those of HTTP.
"""

import asyncio
import base64
import contextlib
import dataclasses
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any

from nbagent.errors import MissingExtra, NbagentError, StreamError
from nbagent.sources.deadline import Deadline
from nbagent.sources.failure import failure
from nbagent.sources.http import client_for, exchange
from nbagent.sources.request import Request
from nbagent.sources.stream import ServiceStream
from nbagent.sources.wire.json_stream import item_of

try:
    import wsproto.events as ws
    from wsproto.connection import Connection, ConnectionType
    from wsproto.utilities import LocalProtocolError, generate_accept_token
except ImportError:
    raise MissingExtra("A stream over WebSocket", "websocket") from None

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_READ_BYTES = 64 * 1024
_CLOSE_TIMEOUT_S = 0.3  # for sending a close frame
_SWITCHING_PROTOCOLS = 101
_NORMAL = (1000, 1001, 1005)  # normal closure, going away, no status (RFC 6455, section 7.4.1)
_GOING_AWAY = 1001


class MessageTooLarge(NbagentError):
    """A message on a WebSocket is larger than the limit."""


class WebSocketStream(ServiceStream):
    """The messages of a WebSocket: JSON is parsed, anything else is text.

    `nbagent.connect` makes it.
    """

    takes_messages = True
    _socket: "_Socket | None" = None

    async def send(self, message: Any) -> None:
        """Send a message: text and bytes as they are, anything else as JSON.

        Raises:
            StreamError: the connection is not open, or broke.
        """
        if self._socket is None:
            raise failure(f"The connection to {self._request.name} is not open", "connection_lost")
        if not isinstance(message, (str, bytes)):
            message = _json(message)
        await self._socket.send(message)

    async def _read(self) -> AsyncGenerator[Any, None]:
        request = self._request
        deadline = Deadline(request)
        handshake, headers = _handshake(request)
        async with (
            client_for(request) as client,
            exchange(client, handshake, headers, deadline) as response,
        ):
            accept = generate_accept_token(headers["sec-websocket-key"].encode()).decode()
            accepts = response.headers.get("sec-websocket-accept") == accept
            if response.status_code != _SWITCHING_PROTOCOLS or not accepts:
                raise failure(
                    f"{request.name} answered {response.status_code} and opened no WebSocket. "
                    "Check the address.",
                    "no_websocket",
                )
            socket = _Socket(response.extensions["network_stream"], request, deadline, self.waits)
            async with contextlib.aclosing(socket):
                for message in _messages(request):
                    await socket.send(message)
                self._socket = socket
                try:
                    async for item in socket.items():
                        yield item
                finally:
                    self._socket = None
                self.has_closed = socket.close_code != _GOING_AWAY


class _Socket:
    """The client's end of an open WebSocket."""

    def __init__(
        self, stream: Any, request: Request, deadline: Deadline, waits: Callable[[], bool]
    ) -> None:
        self._waits = waits  # for an answer of the reader, so that silence is no fault
        self._stream = stream
        self._request = request
        self._deadline = deadline
        self._protocol = Connection(ConnectionType.CLIENT)
        self.close_code: int | None = None

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self._write(ws.TextMessage(data=message))
        else:
            await self._write(ws.BytesMessage(data=message))

    async def items(self) -> AsyncIterator[Any]:
        """Yield the messages until the service closes.

        Raises:
            StreamError: it closed with the code of an error, or the connection broke.
            MessageTooLarge: a message has more than `MAX_MESSAGE_BYTES`.
        """
        pieces: list[bytes] = []
        size = 0
        while True:
            # a violation of the protocol comes out as a close
            self._protocol.receive_data(await self._bytes())
            for event in self._protocol.events():
                match event:
                    case ws.Ping():
                        await self._write(event.response())
                    case ws.CloseConnection():
                        self.close_code = event.code
                        if event.code not in _NORMAL:
                            raise self._refused(event)
                        return
                    case ws.TextMessage() | ws.BytesMessage():
                        data = event.data
                        if isinstance(data, str):
                            data = data.encode()
                        pieces.append(bytes(data))
                        size += len(pieces[-1])
                        if size > MAX_MESSAGE_BYTES:
                            raise MessageTooLarge(
                                f"A message of {self._request.name} has more than "
                                f"{MAX_MESSAGE_BYTES} bytes"
                            )
                        if event.message_finished:
                            yield item_of(b"".join(pieces).decode("utf-8", "replace"))
                            pieces, size = [], 0
                    case _:
                        pass  # a pong

    async def aclose(self) -> None:
        """Send a close frame if that is still possible.

        The connection is closed by the code that opened it.
        """
        with contextlib.suppress(LocalProtocolError, StreamError, TimeoutError):
            # Closed already, by either side.
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._write(ws.CloseConnection(code=1000))

    async def _bytes(self) -> bytes:
        try:
            async with self._deadline.within(listening=True):
                data: bytes = await self._stream.read(_READ_BYTES)
        except StreamError as error:
            if error.code == "idle_timeout" and self._waits():
                return await self._bytes()
            raise
        except Exception as error:
            # Of httpcore2, which httpx2 translates for its own responses only.
            lost = self._lost(error)
        else:
            if data:
                return data
            lost = self._lost("it ended without a close frame")
        raise lost  # here, so that it has no context, which may quote what the service wrote

    async def _write(self, event: Any) -> None:
        data = self._protocol.send(event)
        try:
            async with self._deadline.within():
                await self._stream.write(data)
                return
        except StreamError:
            raise
        except Exception as error:
            lost = self._lost(error)
        raise lost  # here, so that it has no context, which may quote what the service wrote

    def _refused(self, close: ws.CloseConnection) -> StreamError:
        """Return the error of a close with the code of an error."""
        text = f"{self._request.name} closed with code {close.code}"
        if close.reason:
            text += f": {close.reason}"
        return failure(text, str(close.code))

    def _lost(self, reason: object) -> StreamError:
        text = str(reason) or type(reason).__name__
        return failure(f"The connection to {self._request.name} broke: {text}", "connection_lost")


def _handshake(request: Request) -> tuple[Request, dict[str, str]]:
    """Return the request that opens the WebSocket, and the headers of its handshake."""
    headers = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
        "sec-websocket-version": "13",
    }
    if protocols := ", ".join(request.subprotocols):
        headers["sec-websocket-protocol"] = protocols
    url = "http" + request.url.removeprefix(request.url[:2])
    return dataclasses.replace(request, url=url, method="GET", json=None, content=None), headers


def _messages(request: Request) -> Iterable[str | bytes]:
    """Return the messages to send first."""
    if isinstance(request.json, list):
        return [_json(message) for message in request.json]
    if request.json is not None:
        return [_json(request.json)]
    if isinstance(request.content, (str, bytes)):
        return [request.content]
    return request.content or []


def _json(message: Any) -> str:
    return json.dumps(message, ensure_ascii=False, allow_nan=False)
