"""Decoder of a response's body: bytes in, items out, for every framing. No I/O.

Content types are often wrong: server-sent events come as `text/plain`, bare JSON as
`text/event-stream`. So the first bytes decide the framing, and the content type counts only if they
leave it open.
"""

import codecs
import re
from collections.abc import Iterable
from typing import Any, Literal, Protocol

from nbagent.sources.wire.event_stream import EventStreamDecoder
from nbagent.sources.wire.json_stream import JSONStreamDecoder, item_of
from nbagent.sources.wire.sse import ServerSentEvent, SSEDecoder

MAX_ITEM_BYTES = 64 * 1024 * 1024
DONE = "[DONE]"
"""Payload that many services send last; it is no JSON, and no text either."""

_AMAZON_TYPE = "application/vnd.amazon.eventstream"
_PLAIN_TYPE = "text/plain"
_SSE_TYPE = "text/event-stream"
_MAX_SNIFF_BYTES = 4096  # read at most before the framing is decided
_BOM = b"\xef\xbb\xbf"
_JSON_START = re.compile(rb'\{\s*["}]|\[\s*[\[{"\]]')
_MAYBE_JSON = re.compile(rb"[{\[]\s*")
_SSE_START = re.compile(rb":[ \r\n]|(?:data|event|id|retry)[:\r\n]")
_SSE_FIELDS = (b":", b"data", b"event", b"id", b"retry")
_HTML_START = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_MAYBE_HTML = (b"<!doctype html", b"<html>")
_LINES = re.compile(r"\n|(?<=[}\]])\s+data:\s*")  # the second where the ends of lines became blanks
_VALUE_STARTS = {bytes([first]) for first in b'{["-0123456789tfn'}
# in which payloads have their event's name
_NAME_FIELDS = (
    "type",
    "event",
    "event_type",
    "name",
    "method",
    "kind",
)

Framing = Literal["sse", "json", "text", "html", "event stream"]


class _Decoder(Protocol):
    def feed(self, chunk: bytes) -> Iterable[Any]: ...
    def close(self) -> Iterable[Any]: ...


class BodyDecoder:
    """Turns a body into its items, chunk by chunk.

    - server-sent events: the payload of each, parsed if it is JSON, else as text. If the payload
      does not have its event's name itself, the item is `{"event": name, "data": payload}`. An
      event whose lines are one JSON document each (some servers leave out the empty lines between
      events, or even the ends of lines) is as many items, each as it comes. JSON over several
      lines, of which only the first has a `data:`, is one item.
    - JSON, one to a line, one after another, or in an array: each document as it completes
    - Amazon's binary event stream: `{event type: payload}`
    - anything else: text, as it comes

    Args:
        content_type: the response's `Content-Type`; "" if there is none.
        max_item_bytes: largest size of one item.

    Attributes:
        framing: one of these; None until the first bytes have decided it. "html" is text that is a
            web page.
    """

    def __init__(self, content_type: str = "", *, max_item_bytes: int = MAX_ITEM_BYTES) -> None:
        self.framing: Framing | None = None
        self._media_type = content_type.partition(";")[0].strip().lower()
        self._is_lines = any(word in self._media_type for word in ("ndjson", "jsonl", "json-seq"))
        self._limit = max_item_bytes
        self._head = b""
        self._decoder: _Decoder | None = None
        self._events: SSEDecoder | None = None

    @property
    def last_event_id(self) -> str | None:
        """The `Last-Event-ID` that continues the stream after its last item; None if the stream
        gives no such id.
        """
        if self._events is not None and self._events.resumable:
            return self._events.last_event_id
        return None

    @property
    def retry(self) -> int | None:
        """Milliseconds that the stream asks to wait before a reconnect; None if it does not."""
        if self._events is None:
            return None
        return self._events.retry

    @property
    def comment(self) -> str:
        """The last comment of an event stream; "" if there was none."""
        if self._events is None:
            return ""
        return self._events.comment

    def feed(self, chunk: bytes) -> Iterable[Any]:
        """Return the items that the chunk completes.

        Raises:
            NbagentError: an item has more than `max_item_bytes`, or a binary stream is damaged.
        """
        if self._decoder is None:
            chunk = self._head + chunk
            self.framing = self._framing_of(chunk, is_all=False)
            if self.framing is None:
                self._head = chunk
                return []
            self._decoder = self._decoder_for(self.framing)
            self._head = b""
        return self._decoder.feed(chunk)

    def close(self) -> Iterable[Any]:
        """End the body. Return the items that were left.

        An event without the empty line after it is an item if it is one JSON document, or `[DONE]`;
        half a document is text.
        """
        items: list[Any] = []
        if self._decoder is None:
            self.framing = self._framing_of(self._head, is_all=True) or "text"
            self._decoder = self._decoder_for(self.framing)
            items += self._decoder.feed(self._head)
        return [*items, *self._decoder.close()]

    def _framing_of(self, head: bytes, *, is_all: bool) -> Framing | None:
        """Return the framing by the first bytes; None if more of them are needed."""
        if self._media_type == _AMAZON_TYPE:
            return "event stream"
        start = head.removeprefix(_BOM).lstrip(b" \t\r\n\x1e")
        framing = self._framing_by_sign(start)
        if framing is not None:
            return framing
        more_may_come = not is_all and len(head) < _MAX_SNIFF_BYTES
        if more_may_come and (_BOM.startswith(head) or self._may_become_sign(start)):
            return None
        return self._framing_by_type(start)

    def _framing_by_sign(self, start: bytes) -> Framing | None:
        """Return the framing that no other body begins like; None if the bytes leave it open."""
        if _JSON_START.match(start):
            return "json"
        if self._media_type != _PLAIN_TYPE and _HTML_START.match(start):
            return "html"
        if _SSE_START.match(start):
            return "sse"
        if self._media_type == _SSE_TYPE and start.startswith(b":"):
            return "sse"
        return None

    def _may_become_sign(self, start: bytes) -> bool:
        """Return True if the bytes may be the beginning of a framing's sign."""
        if not start or _MAYBE_JSON.fullmatch(start):
            return True
        if any(field.startswith(start) for field in _SSE_FIELDS):
            return True
        if self._media_type == _PLAIN_TYPE:
            return False
        return any(tag.startswith(start.lower()) for tag in _MAYBE_HTML)

    def _framing_by_type(self, start: bytes) -> Framing:
        """Return the framing that the content type names, of bytes that have no sign."""
        if self._is_lines:
            return "json"
        if self._media_type == _SSE_TYPE and not start:
            return "sse"
        if "json" in self._media_type and start[:1] in _VALUE_STARTS:
            return "json"
        return "text"

    def _decoder_for(self, framing: Framing) -> _Decoder:
        match framing:
            case "sse":
                self._events = SSEDecoder(
                    max_event_bytes=self._limit, keep_loose=True, is_whole=_is_whole_line
                )
                return _SSEItems(self._events)
            case "json":
                return JSONStreamDecoder(
                    split_arrays=not self._is_lines, max_document_bytes=self._limit
                )
            case "event stream":
                return EventStreamDecoder(max_message_bytes=self._limit)
            case _:
                return _Text()


class _Text:
    """Decoder of UTF-8 text that may be split anywhere."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")

    def feed(self, chunk: bytes) -> list[str]:
        return self._decode(chunk)

    def close(self) -> list[str]:
        return self._decode(b"", final=True)

    def _decode(self, chunk: bytes, *, final: bool = False) -> list[str]:
        text = self._utf8.decode(chunk, final)
        if not text:
            return []
        return [text]


class _SSEItems:
    """Decoder of server-sent events to items."""

    def __init__(self, events: SSEDecoder) -> None:
        self._events = events

    def feed(self, chunk: bytes) -> list[Any]:
        return [item for event in self._events.feed(chunk) for item in _items(event)]

    def close(self) -> list[Any]:
        items = [item for event in self._events.close() for item in _items(event)]
        if self._events.dropped is not None:
            rest = _items(self._events.dropped)
            if all(map(_is_whole, rest)):
                items += rest
        return items


def _items(event: ServerSentEvent) -> list[Any]:
    payloads = _payloads(event)
    if event.event == "message":
        return [payload for payload in payloads if payload != ""]
    items: list[Any] = []
    for payload in payloads:
        if _has_name(payload, event.event):
            items.append(payload)
        else:
            items.append({"event": event.event, "data": payload})
    return items


def _payloads(event: ServerSentEvent) -> list[Any]:
    """Return the payload of an event; several if each of its lines is one."""
    payload = item_of(event.data)
    if event.loose and not _is_whole(payload):
        whole = item_of(event.loose)
        if _is_whole(whole):
            return [whole]
    if payload == event.data and _LINES.search(event.data):
        lines = [item_of(line) for line in _LINES.split(event.data) if line]
        if all(map(_is_whole, lines)):
            return lines
    return [payload]


def _is_whole_line(line: str) -> bool:
    """Return True if a line of data cannot be the first line of a longer document."""
    return line == DONE or (line.startswith(("{", "[")) and _is_whole(item_of(line)))


def _is_whole(item: Any) -> bool:
    """Return True if the item cannot be the first half of another."""
    if isinstance(item, dict) and item.keys() == {"event", "data"}:
        return _is_whole(item["data"])
    return item == DONE or not isinstance(item, str)


def _has_name(payload: Any, name: str) -> bool:
    return isinstance(payload, dict) and any(payload.get(field) == name for field in _NAME_FIELDS)
