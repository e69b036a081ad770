"""Decoder of server-sent events: bytes in, events out. No I/O.

The format:
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation. httpx2
has a decoder too, for its own responses: it reads no files, does not report whether a stream can be
continued after its last event, and drops the lines that are no fields.
"""

from collections.abc import Callable
from typing import NamedTuple

from nbagent.errors import NbagentError

_BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 64 * 1024 * 1024


class EventTooLarge(NbagentError):
    """A server-sent event is larger than the limit."""


class ServerSentEvent(NamedTuple):
    """Dispatched event.

    Attributes:
        event: name of the event; "message" if the stream gives none.
        data: its lines of data, joined by line feeds.
        id: the last event id so far.
        loose: the data together with the lines that are no fields; "" if there are none, or if they
            are not kept.
    """

    event: str
    data: str
    id: str
    loose: str = ""


class LineDecoder:
    """Splits bytes into lines at LF, CRLF or CR, however they are cut into chunks.

    A leading byte order mark is dropped.
    """

    def __init__(self) -> None:
        self.pending_bytes = 0
        self._pending: list[bytes] = []
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that the chunk completes, without their ends."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()  # bytes are split only at LF, CR and CRLF
        rest = b""
        if not chunk.endswith((b"\n", b"\r")):
            rest = lines.pop()
        if self._pending and lines:
            self._pending.append(lines[0])
            lines[0] = b"".join(self._pending)
            self._pending.clear()
            self.pending_bytes = 0
        if rest:
            self._pending.append(rest)
            self.pending_bytes += len(rest)
        if self._at_start and lines:
            self._at_start = False
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def close(self) -> bytes:
        """Return the last line, if it has no end; else b""."""
        rest = b"".join(self._pending)
        if self._at_start:
            rest = rest.removeprefix(_BOM)
        return rest


class SSEDecoder:
    """Turns a `text/event-stream` body into its events, chunk by chunk.

    Args:
        max_event_bytes: largest size of one event.
        keep_loose: keep the lines that are no fields, which the standard ignores, beside the data.
            Some servers write a text of several lines after one `data:`.
        is_whole: returns True if a line of data is an event in itself. Some servers write no empty
            lines: once a stream has two such lines in a row, each is dispatched when it comes,
            instead of all at the end.

    Attributes:
        last_event_id: of the last dispatched event; what a reconnect sends as `Last-Event-ID`.
        resumable: whether the last dispatched event had that id itself. If not, a reconnect would
            repeat the events without an id that came after it.
        comment: the last comment; "" if there was none.
        retry: the reconnection time that the stream asks for, in milliseconds; None if it does not.
        dropped: after `close()`, the last event if the stream ended inside it; by the standard it
            is none. Some servers leave out the empty line after their last event, and a cut
            connection looks the same: the caller knows which it is.
    """

    def __init__(
        self,
        *,
        max_event_bytes: int = MAX_EVENT_BYTES,
        keep_loose: bool = False,
        is_whole: Callable[[str], bool] = lambda line: False,
    ) -> None:
        self.last_event_id = ""
        self.resumable = False
        self.comment = ""
        self.retry: int | None = None
        self.dropped: ServerSentEvent | None = None
        self._limit = max_event_bytes
        self._lines = LineDecoder()
        self._data: list[str] = []
        self._keep_loose = keep_loose
        self._loose: list[str] = []
        self._is_whole = is_whole
        self._lacks_empty_lines = False
        self._name_of_first = ""  # the event's name when its first line of data came
        self._size = 0
        self._event = ""
        self._id = ""
        self._has_id = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that the chunk completes.

        Raises:
            EventTooLarge: an event, or a single line, has more than `max_event_bytes`.
        """
        events: list[ServerSentEvent] = []
        for line in self._lines.feed(chunk):
            if line:
                self._check(self._size + len(line))
                self._field(line, events)
            else:
                self._dispatch(events)
        self._check(self._size + self._lines.pending_bytes)
        return events

    def close(self) -> list[ServerSentEvent]:
        """End the stream.

        Return the events that its last line completes; an unfinished one is kept in `dropped`.
        """
        events: list[ServerSentEvent] = []
        line = self._lines.close()
        if line:
            self._field(line, events)
        if self._data:
            self.dropped = self._take()
        return events

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise EventTooLarge(
                f"A server-sent event has more than {self._limit} bytes ({size} so far, and no "
                "end). "
                "Raise max_event_bytes if the server really sends events of that size."
            )

    def _field(self, line: bytes, events: list[ServerSentEvent]) -> None:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data_line(value, len(line), events)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value
                self._has_id = True
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
            case "":
                self.comment = value
            case "id" | "retry":
                pass  # a value that the standard ignores
            case _ if self._keep_loose and self._data:
                self._loose = self._loose or list(self._data)
                self._loose.append(line.decode("utf-8", "replace"))
                self._size += len(line)

    def _data_line(self, value: str, size: int, events: list[ServerSentEvent]) -> None:
        is_second = len(self._data) == 1 and not self._loose
        if is_second and self._is_whole(self._data[0]) and self._is_whole(value):
            self._lacks_empty_lines = True
            events.append(self._take()._replace(event=self._name_of_first or "message"))
            self._size = 0
        if not self._data:
            self._name_of_first = self._event
        self._data.append(value)
        self._size += size
        if self._loose:
            self._loose.append(value)
        if self._lacks_empty_lines and len(self._data) == 1 and self._is_whole(value):
            events.append(self._take())
            self._size = 0
            self.resumable = False  # its id may follow

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._id
        if self._data or self._has_id:
            self.resumable = self._has_id and bool(self._id)
        if self._data:
            events.append(self._take())
        self._event = ""
        self._has_id = False
        self._size = 0

    def _take(self) -> ServerSentEvent:
        event = ServerSentEvent(
            self._event or "message", "\n".join(self._data), self._id, "\n".join(self._loose)
        )
        self._data, self._loose = [], []
        return event
