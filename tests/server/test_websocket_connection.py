"""A WebSocket connection whose client leaves just when the server stops."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from nbagent.server.websocket_connection import WebSocketConnection

CLOSE_FRAME = bytes([0x88, 0x80, 0, 0, 0, 0])
"""A masked frame that closes (RFC 6455, 5.5.1)."""


class Transport(asyncio.Transport):
    """A transport to nowhere."""

    is_closed = False

    def is_closing(self) -> bool:
        return self.is_closed

    def write(self, data: Any) -> None: ...

    def close(self) -> None:
        self.is_closed = True


async def accept(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def test_a_connection_that_its_client_has_closed_is_shut_down() -> None:
    config = uvicorn.Config(accept, ws=WebSocketConnection, lifespan="off")
    config.load()
    connection = WebSocketConnection(config, ServerState(), {})
    transport = Transport()
    connection.connection_made(transport)
    client = WSConnection(ConnectionType.CLIENT)
    connection.data_received(client.send(Request(host="localhost", target="/")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    connection.data_received(CLOSE_FRAME)
    transport.is_closed = False
    connection.shutdown()
    assert transport.is_closed
    await asyncio.gather(*connection.tasks)
