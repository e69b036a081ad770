"""`WebSocketConnection`: uvicorn's WebSocket connection, which ends whatever its client does."""

import contextlib

from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.utilities import LocalProtocolError


class WebSocketConnection(WSProtocol):
    """A WebSocket connection of uvicorn.

    Where a client leaves just when the server stops, uvicorn says goodbye to a connection that is
    closed already. That raises, and the server's thread would end with a traceback.
    """

    def shutdown(self) -> None:
        """Close the connection, since the server stops."""
        with contextlib.suppress(LocalProtocolError):
            super().shutdown()
        self.transport.close()
