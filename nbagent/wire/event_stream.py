"""Amazon's binary event stream (`application/vnd.amazon.eventstream`): bytes in, events out, no I/O.

The format: https://smithy.io/2.0/aws/amazon-eventstream.html. A message is a prelude (its length, the length of its headers, a
checksum), headers, a payload and a checksum of all of it; numbers are big-endian.
"""

import base64
import binascii
import struct
from typing import Any

from nbagent.errors import NbagentError
from nbagent.wire.json_stream import item_of

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bytes of a header's value, by its type
_TEXT_TYPES = (6, 7)  # bytes and strings, which carry their own length


class BrokenEventStream(NbagentError):
    """The bytes are no event stream, were damaged on their way, or hold a message beyond the limit."""


class EventStreamDecoder:
    """Turns such a body into items `{event type: payload}`, as Amazon's own SDKs give them.

    An exception is an event with its own type. A `chunk`, in which Bedrock's InvokeModelWithResponseStream hands on what the
    model's maker sent, is that.

    Args:
        max_message_bytes: the most that one message may have.
    """

    def __init__(self, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = max_message_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = _PRELUDE.size
        self._broken: BrokenEventStream | None = None

    def feed(self, chunk: bytes) -> list[Any]:
        """The items that the chunk completes.

        Raises:
            BrokenEventStream: a checksum is wrong, or a message is longer than `max_message_bytes`. If whole messages came
                before it in the same chunk, they are given first, and the next call raises.
        """
        if self._broken is not None:
            raise self._broken
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._needed:
            return []
        data = b"".join(self._pieces)
        items: list[Any] = []
        at = 0
        try:
            while len(data) - at >= (needed := self._needed_at(data, at)):
                items.append(_item(data[at : at + needed]))
                at += needed
        except BrokenEventStream as broken:
            self._broken = broken
            if not items:
                raise
            return items
        self._needed = needed
        self._pieces, self._size = [data[at:]], len(data) - at
        return items

    def close(self) -> list[Any]:
        """The body is over; half a message means nothing.

        Raises:
            BrokenEventStream: what `feed` found last was damaged.
        """
        if self._broken is not None:
            raise self._broken
        return []

    def _needed_at(self, data: bytes, at: int) -> int:
        """How many bytes the message has that begins there, or, while that is unknown, its prelude."""
        if len(data) - at < _PRELUDE.size:
            return _PRELUDE.size
        total, headers, checksum = _PRELUDE.unpack_from(data, at)
        if binascii.crc32(data[at : at + 8]) != checksum or total < _PRELUDE.size + headers + _CHECKSUM.size:
            raise BrokenEventStream("The body is no Amazon event stream, or was damaged: the checksum of a prelude is wrong.")
        if total > self._limit:
            raise BrokenEventStream(f"A message of the event stream has {total} bytes; the limit is {self._limit}.")
        return int(total)


def _item(message: bytes) -> dict[str, Any]:
    (checksum,) = _CHECKSUM.unpack_from(message, len(message) - _CHECKSUM.size)
    if binascii.crc32(message[: -_CHECKSUM.size]) != checksum:
        raise BrokenEventStream("A message of the event stream was damaged on its way: its checksum is wrong.")
    _, headers_size, _ = _PRELUDE.unpack_from(message)
    end = _PRELUDE.size + headers_size
    headers = _headers(message[_PRELUDE.size : end])
    payload = item_of(message[end : -_CHECKSUM.size].decode("utf-8", "replace"))
    if headers.get(":message-type") == "error":
        return {"error": {"code": headers.get(":error-code"), "message": headers.get(":error-message") or ""}}
    kind = headers.get(":event-type") or headers.get(":exception-type") or "event"
    inner = payload.get("bytes") if kind == "chunk" and isinstance(payload, dict) else None
    if isinstance(inner, str):
        item = item_of(base64.b64decode(inner).decode("utf-8", "replace"))
        if isinstance(item, dict):
            return item
    return {kind: payload}


def _headers(data: bytes) -> dict[str, str]:
    """The headers that are texts, which all that matter are."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name = data[at + 1 : at + 1 + data[at]].decode("utf-8", "replace")
            at += 1 + data[at]
            kind = data[at]
            at += 1
            if kind in _TEXT_TYPES:
                size = int.from_bytes(data[at : at + 2])
                found[name] = data[at + 2 : at + 2 + size].decode("utf-8", "replace")
                at += 2 + size
            else:
                at += _SIZES[kind]
    except LookupError:
        raise BrokenEventStream("A message of the event stream has headers that cannot be read.") from None
    return found
