"""Encoder of server-sent events."""

import re

_LINE_END = re.compile(r"\r\n|\r|\n")


def sse(data: str, event: str | None = None, id_: int | str | None = None) -> bytes:
    """Return one server-sent event.

    Several lines of `data` become several fields, which a reader joins again.

    Args:
        data: the data.
        event: name of the event; None for the default, "message".
        id_: the last event id that a client has from this event on, and sends in `Last-Event-ID`
            when it connects again; None if the event sets none.

    The format:
    https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
    """
    head = ""
    if id_ is not None:
        head += f"id: {id_}\n"
    if event:
        head += f"event: {event}\n"
    if "\n" in data or "\r" in data:
        data = "\ndata: ".join(_LINE_END.split(data))
    return f"{head}data: {data}\n\n".encode()
