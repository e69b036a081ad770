"""Encoder of server-sent events."""

import re

_LINE_END = re.compile(r"\r\n|\r|\n")


def sse(data: str, event: str | None = None) -> bytes:
    """Return one server-sent event. Several lines of `data` become several fields, which a reader joins again.

    The format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream.
    """
    name = f"event: {event}\n" if event else ""
    lines = _LINE_END.split(data) if "\n" in data or "\r" in data else [data]
    return (name + "".join(f"data: {line}\n" for line in lines) + "\n").encode()
