"""Texts and JSON for encoders: what is written where a system has no structure for a value."""

import json
import re
from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.events.jsonable import json_safe

PARAGRAPH_BREAK = "\n\n"
"""Separator of two texts that are joined into one."""

_LIMITS = {
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"),
        "length",
    ),
    **dict.fromkeys(("content_filter", "content-filter", "safety"), "content_filter"),
}
"""Providers' names for the limits that cut an answer short, in lower case, by our two names."""

_FAILURES = {
    "cancelled": "The run was cancelled",
    "max_steps": "The run had no more steps",
    "paused": "The run waits for a human",
    "failed": "The run failed",
}
"""Messages of runs that did not complete, by their status."""

_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_NOT_IN_NAME = re.compile(r"[^\w.-]")


def limit_of(end: ev.RunEnd) -> str | None:
    """Return the limit that cut an incomplete answer short: "length" or "content_filter"; None if
    none is known.
    """
    if end.status != "incomplete":
        return None
    reasons = (end.code or "").lower(), (end.finish_reason or "").lower()
    return next((_LIMITS[reason] for reason in reasons if reason in _LIMITS), None)


def failure_message(end: ev.RunEnd) -> str:
    """Return the reason of a run that did not complete, for a system whose runs either complete or
    fail.
    """
    if end.status in _FAILURES:
        return _FAILURES[end.status]
    if end.code == ev.STREAM_TRUNCATED:
        return "The stream broke off before its end"
    return f"The run is incomplete: {end.finish_reason or end.code or 'no reason given'}"


def without_none(**values: Any) -> dict[str, Any]:
    """Return the values that are not None, by name."""
    return {name: value for name, value in values.items() if value is not None}


def token_counts(usage: ev.Usage, fields: Mapping[str, str]) -> dict[str, int]:
    """Return the known token counts under a system's names.

    Args:
        usage: the counts.
        fields: the system's name of each attribute of `Usage`.
    """
    return without_none(**{theirs: getattr(usage, ours) for ours, theirs in fields.items()})


def compact_json(item: Any) -> str:
    """Return an item as JSON on one line."""
    return _COMPACT.encode(item)


def named_fields(item: Any) -> tuple[str, str]:
    """Return the name and the data, as text, of an item `{"event": name, "data": payload}`."""
    data = item["data"]
    if not isinstance(data, str):
        data = compact_json(data)
    return item["event"], data


def as_text(value: Any) -> str:
    """Return a value as text: a string as it is, None as "", anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(json_safe(value), ensure_ascii=False, sort_keys=True)


def tool_word(name: str) -> str:
    """Return a tool's name as one word, for systems that write it into a sentence."""
    return _NOT_IN_NAME.sub("_", name) or "tool"


def error_message(result: ev.ToolResult) -> str:
    """Return the message of a result that is not "ok": its error, else its content, else a
    default.
    """
    if result.error is not None and result.error.message:
        return result.error.message
    if result.status == "denied":
        return as_text(result.content) or "The call was denied"
    return as_text(result.content) or "The tool failed"


def result_text(result: ev.ToolResult) -> str:
    """Return a result as one text: the content, or the error message if it is not "ok"."""
    if result.status == "ok":
        return as_text(result.content)
    return error_message(result)
