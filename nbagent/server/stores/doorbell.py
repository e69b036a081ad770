"""`Doorbell`: wakes waits of other processes on this machine, where a shared file cannot notify
them of a change.
"""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Iterable, Iterator


class Doorbell(asyncio.DatagramProtocol):
    """A UDP socket on loopback.

    A datagram means "look again"; one that is lost costs its waiter a delay, nothing else.

    It carries a digest of what has changed, because the port may belong to a stranger's program by
    now.
    """

    def __init__(self) -> None:
        self._in: asyncio.DatagramTransport | None = None
        self._opening = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits: dict[bytes, set[asyncio.Event]] = {}

    async def port(self) -> int:
        """Return the port at which this process is rung."""
        async with self._opening:
            if self._in is None:
                loop = asyncio.get_running_loop()
                self._in, _ = await loop.create_datagram_endpoint(
                    lambda: self, local_addr=("127.0.0.1", 0)
                )
        return int(self._in.get_extra_info("sockname")[1])

    @contextlib.contextmanager
    def listening(self, key: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the key is rung."""
        self._loop = asyncio.get_running_loop()
        heard, digest = asyncio.Event(), _digest(key)
        self._waits.setdefault(digest, set()).add(heard)
        try:
            yield heard
        finally:
            self._waits[digest].discard(heard)
            if not self._waits[digest]:
                del self._waits[digest]

    def ring(self, key: str, ports: Iterable[int]) -> None:
        """Wake the waits for a key, in this process and at the ports of others.

        Safe on any thread.
        """
        digest = _digest(key)
        if self._loop is not None and digest in self._waits:
            self._loop.call_soon_threadsafe(self._wake, digest)
        for port in ports:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
                contextlib.suppress(OSError),
            ):
                out.setblocking(False)
                # in vain where nobody is, or as many wait there as fit
                out.sendto(digest, ("127.0.0.1", port))

    def close(self) -> None:
        """Close the socket. It is opened again when there is a wait."""
        if self._in is not None:
            self._in.close()
            self._in = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Wake the waits for a key."""
        self._wake(data)

    def _wake(self, digest: bytes) -> None:
        for heard in self._waits.get(digest, ()):
            heard.set()


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
