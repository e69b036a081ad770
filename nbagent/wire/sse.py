"""Server-sent events: bytes in, events out, no I/O.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation.
"""

from typing import NamedTuple

from nbagent.errors import NbagentError

_BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 64 * 1024 * 1024


class EventTooLarge(NbagentError):
    """A server-sent event grew beyond the limit."""


class ServerSentEvent(NamedTuple):
    """One dispatched event.

    Attributes:
        event: "message" where the stream names none.
        data: its data, the lines joined.
        id: the last event id so far.
        loose: the data together with the lines that are no fields, if there were any and they were to be kept.
    """

    event: str
    data: str
    id: str
    loose: str = ""


class LineDecoder:
    """Splits bytes into lines at LF, CRLF or CR, across chunk borders; a leading byte order mark is dropped."""

    def __init__(self) -> None:
        self.pending_bytes = 0
        self._pending: list[bytes] = []
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that the chunk completes, without their ends."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()  # of bytes, only at LF, CR and CRLF
        rest = b"" if chunk.endswith((b"\n", b"\r")) else lines.pop()
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
        """The last line, if it had no end."""
        rest = b"".join(self._pending)
        return rest.removeprefix(_BOM) if self._at_start else rest


class SSEDecoder:
    """Turns a `text/event-stream` body into its events, chunk by chunk.

    Args:
        max_event_bytes: the most that one event may have.
        keep_loose: whether lines that the standard passes over are kept beside the data. Servers that write a text of several
            lines after one `data:` leave them.

    Attributes:
        last_event_id: of the last dispatched event; what a reconnect sends as `Last-Event-ID`.
        resumable: whether that id stands for all that was dispatched: a reconnect would repeat events that came after it
            without an id of their own.
        retry: the reconnection time in milliseconds that the stream asked for.
        dropped: after `close()`, the last block if the stream ended inside it. By the standard it is no event. Some servers
            leave out the empty line after their last event, and a cut connection does the same: the caller knows which.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES, keep_loose: bool = False) -> None:
        self.last_event_id = ""
        self.resumable = False
        self.retry: int | None = None
        self.dropped: ServerSentEvent | None = None
        self._limit = max_event_bytes
        self._lines = LineDecoder()
        self._data: list[str] = []
        self._keep_loose = keep_loose
        self._loose: list[str] = []
        self._size = 0
        self._event = ""
        self._id = ""
        self._has_id = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that the chunk completes.

        Raises:
            EventTooLarge: an event, or a single line, has more than `max_event_bytes`.
        """
        events: list[ServerSentEvent] = []
        for line in self._lines.feed(chunk):
            if line:
                self._check(self._size + len(line))
                self._field(line)
            else:
                self._dispatch(events)
        self._check(self._size + self._lines.pending_bytes)
        return events

    def close(self) -> list[ServerSentEvent]:
        """The stream is over. No event can follow from that; an unfinished block is kept in `dropped`."""
        line = self._lines.close()
        if line:
            self._field(line)
        if self._data:
            self.dropped = self._take()
        return []

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise EventTooLarge(
                f"A server-sent event has more than {self._limit} bytes ({size} so far, and no end). "
                "Raise max_event_bytes if the server really sends events of that size."
            )

    def _field(self, line: bytes) -> None:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
                self._size += len(line)
                if self._loose:
                    self._loose.append(value)
            case "event":
                self._event = value
            case "id" if "\0" not in value:
                self._id = value
                self._has_id = True
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
            case "" | "id" | "retry":
                pass  # a comment, or a value that the standard passes over
            case _ if self._keep_loose and self._data:
                self._loose = self._loose or list(self._data)
                self._loose.append(line.decode("utf-8", "replace"))
                self._size += len(line)
            case _:
                pass  # a field of a later standard

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
        event = ServerSentEvent(self._event or "message", "\n".join(self._data), self._id, "\n".join(self._loose))
        self._data, self._loose = [], []
        return event
