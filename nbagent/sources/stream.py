"""What the streams of all transports have in common."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from nbagent.runtime.loop import OwnedStream
from nbagent.sources.request import Request


class ServiceStream(OwnedStream):
    """What a service sends upon a request: an async iterable of items. Nothing is sent before it is iterated.

    Cancelling whoever iterates closes the connection at once.

    Args:
        request: what is sent, each time it is iterated.

    Attributes:
        name: host and path; no secret.
    """

    def __init__(self, request: Request) -> None:
        self.name = request.name
        self.stays = request.client is not None
        self._request = request
        self._reading: AsyncGenerator[Any, None] | None = None

    def __repr__(self) -> str:
        return repr(self._request)

    def __aiter__(self) -> AsyncIterator[Any]:
        self._reading = self._read()
        return self._reading

    async def aclose(self) -> None:
        """Close the connection, where the loop over the items was left early."""
        if self._reading is not None:
            await self._reading.aclose()

    def _read(self) -> AsyncGenerator[Any, None]:
        raise NotImplementedError
