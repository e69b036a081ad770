"""How things are said, for encoders whose systems have no better words."""

import json
import re
from typing import Any

from nbagent import events as ev
from nbagent.events.jsonable import json_safe

BREAK = "\n\n"
"""Between two texts that become one."""

_CUTS = {
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "content-filter", "safety"), "content_filter"),
}
"""What providers call it, in small letters."""


_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_NO_WORD = re.compile(r"[^\w.-]")


def cut_of(end: ev.RunEnd) -> str | None:
    """What cut an incomplete answer short, if that is known: its "length", or a "content_filter"."""
    if end.status != "incomplete":
        return None
    reasons = (end.code or "").lower(), (end.finish_reason or "").lower()
    return next((_CUTS[reason] for reason in reasons if reason in _CUTS), None)


def reason_of(end: ev.RunEnd) -> str:
    """Why a run did not complete, for a system that knows only success and failure."""
    match end.status:
        case "cancelled":
            return "The run was cancelled"
        case "max_steps":
            return "The run had no more steps"
        case "paused":
            return "The run waits for a human"
        case "failed":
            return "The run failed"
        case _ if end.code == ev.STREAM_TRUNCATED:
            return "The stream broke off before its end"
        case _:
            return f"The run is incomplete: {end.finish_reason or end.code or 'no reason given'}"


def known(**values: Any) -> dict[str, Any]:
    """The values that there are."""
    return {name: value for name, value in values.items() if value is not None}


def to_json(item: Any) -> str:
    """An item as JSON on one line."""
    return _COMPACT.encode(item)


def text_of(value: Any) -> str:
    """A value as text: a text is itself, nothing is empty, and the rest is JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(json_safe(value), ensure_ascii=False, sort_keys=True)


def word_of(name: str) -> str:
    """A tool's name as one word, for systems that write it into a sentence."""
    return _NO_WORD.sub("_", name) or "tool"


def message_of(event: ev.ToolResult) -> str:
    """What a call that did not succeed has to say for itself."""
    if event.error is not None and event.error.message:
        return event.error.message
    return text_of(event.content) or ("The call was denied" if event.status == "denied" else "The tool failed")


def said(event: ev.ToolResult) -> str:
    """A result as one text, for a system that has no other: what went wrong, if something did, else the content."""
    return text_of(event.content) if event.status == "ok" else message_of(event)
