"""Decoder of Amazon's binary event stream (`application/vnd.amazon.eventstream`): bytes in, items
out. No I/O.

The format: https://smithy.io/2.0/aws/amazon-eventstream.html. A message is a prelude (its length,
the length of its headers, a checksum), headers, a payload and a checksum of the whole message.
Numbers are big-endian. botocore has a decoder too, but it comes with all of Amazon's services.
"""

import base64
import binascii
import struct
from typing import Any

from nbagent.errors import NbagentError
from nbagent.sources.wire.json_stream import item_of

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
# size of a header's value, by its type
_VALUE_BYTES = {
    0: 0,
    1: 0,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    8: 8,
    9: 16,
}
_TEXT_TYPES = (6, 7)  # bytes and strings, which begin with their length


class BrokenEventStream(NbagentError):
    """The bytes are no event stream, or were damaged on their way, or a message is larger than the
    limit.
    """


class EventStreamDecoder:
    """Turns such a body into items `{event type: payload}`, as Amazon's own SDKs give them.

    An exception is an item with its own type. For a `chunk` of Bedrock's
    InvokeModelWithResponseStream the item is the model's own event inside it.

    Args:
        max_message_bytes: largest size of one message.
    """

    def __init__(self, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = max_message_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = _PRELUDE.size
        self._broken: BrokenEventStream | None = None

    def feed(self, chunk: bytes) -> list[Any]:
        """Return the items that the chunk completes.

        Raises:
            BrokenEventStream: a checksum is wrong, or a message is longer than `max_message_bytes`.
                Items that the chunk completes before that message are returned, and the next call
                raises.
        """
        if self._broken is not None:
            raise self._broken
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._needed:
            return []
        data = b"".join(self._pieces)
        items: list[Any] = []
        offset = 0
        try:
            while len(data) - offset >= (needed := self._needed_at(data, offset)):
                items.append(_item(data[offset : offset + needed]))
                offset += needed
        except BrokenEventStream as broken:
            self._broken = broken
            if not items:
                raise
            return items
        self._needed = needed
        self._pieces, self._size = [data[offset:]], len(data) - offset
        return items

    def close(self) -> list[Any]:
        """End the body. Half a message is dropped.

        Raises:
            BrokenEventStream: the last call of `feed` found damage.
        """
        if self._broken is not None:
            raise self._broken
        return []

    def _needed_at(self, data: bytes, offset: int) -> int:
        """Return the bytes of the message that begins at `offset`; those of a prelude while its
        length is not known.
        """
        if len(data) - offset < _PRELUDE.size:
            return _PRELUDE.size
        total, headers, checksum = _PRELUDE.unpack_from(data, offset)
        if (
            binascii.crc32(data[offset : offset + 8]) != checksum
            or total < _PRELUDE.size + headers + _CHECKSUM.size
        ):
            raise BrokenEventStream(
                "The body is not an Amazon event stream, or was damaged: the checksum of a "
                "prelude is wrong."
            )
        if total > self._limit:
            raise BrokenEventStream(
                f"A message of the event stream has {total} bytes; the limit is {self._limit}."
            )
        return int(total)


def _item(message: bytes) -> dict[str, Any]:
    (checksum,) = _CHECKSUM.unpack_from(message, len(message) - _CHECKSUM.size)
    if binascii.crc32(message[: -_CHECKSUM.size]) != checksum:
        raise BrokenEventStream(
            "A message of the event stream was damaged on its way: its checksum is wrong."
        )
    _, headers_size, _ = _PRELUDE.unpack_from(message)
    end = _PRELUDE.size + headers_size
    headers = _headers(message[_PRELUDE.size : end])
    payload = item_of(message[end : -_CHECKSUM.size].decode("utf-8", "replace"))
    if headers.get(":message-type") == "error":
        return {
            "error": {
                "code": headers.get(":error-code"),
                "message": headers.get(":error-message") or "",
            }
        }
    kind = headers.get(":event-type") or headers.get(":exception-type") or "event"
    match kind, payload:
        case "chunk", {"bytes": str(inner)}:
            item = item_of(base64.b64decode(inner).decode("utf-8", "replace"))
            if isinstance(item, dict):
                return item
    return {kind: payload}


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers whose values are texts; none of the others is needed."""
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
                at += _VALUE_BYTES[kind]
    except LookupError:
        raise BrokenEventStream(
            "A message of the event stream has headers that cannot be read."
        ) from None
    return found
