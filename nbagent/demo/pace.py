"""The pause between two tokens: it ends early, and says so, when the client has gone or the server closes."""

import selectors
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_LONGEST_WAIT = 3600.0


class ClientGone(ConnectionError):
    """The client closed its side before the reply was over."""


class Pacer:
    """Spreads the tokens of one reply over time.

    Waits on the connection itself, so that a client that closes it is noticed within the pause, not after it.

    Args:
        connection: the socket the reply is written to.
        rate: gives the present speed in tokens per second; `wake()` makes a pause under way look again.
    """

    def __init__(self, connection: socket.socket, rate: Callable[[], float]) -> None:
        self._rate = rate
        self._connection = connection
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._selector.register(connection, selectors.EVENT_READ)

    def wake(self) -> None:
        """Make a pause under way look at the rate again. Safe from any thread."""
        try:
            self._mouth.send(b"!")
        except OSError:  # full: it will wake anyway; closed: the reply is over
            return

    def pause(self, tokens: int) -> None:
        """Wait as long as it takes to write `tokens`.

        Raises:
            ClientGone: the client closed the connection.
        """
        begun = time.monotonic()
        while True:
            left = begun + tokens / self._rate() - time.monotonic()
            if left <= 0:
                return
            for key, _ in self._selector.select(min(left, _LONGEST_WAIT)):
                if key.fileobj is self._ear:
                    self._ear.recv(4096)
                else:
                    self._listen()

    def _listen(self) -> None:
        try:
            ahead = self._connection.recv(1, socket.MSG_PEEK)
        except OSError as error:
            raise ClientGone(str(error)) from error
        if not ahead:
            raise ClientGone("the client closed the connection")
        # It already sent its next request. That stays readable, so waiting on it would spin.
        self._selector.unregister(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._selector.close()
        self._ear.close()
        self._mouth.close()
