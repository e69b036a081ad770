"""Small rewrites of a run's events, from which the rewrites of losses are made."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from nbagent import events as ev

Events = list[Any]
REASONING = (ev.ReasoningStart, ev.ReasoningDelta, ev.ReasoningEnd)
TOOL = (ev.ToolStart, ev.ToolArgsDelta, ev.ToolArgs, ev.ToolProgress, ev.ToolOutput, ev.ToolResult)
APPROVAL = (ev.ApprovalRequest, ev.ApprovalResponse)
LOCAL_KINDS = {"function", "custom", "handoff"}
"""Kinds of tools that the provider does not run."""
PARAGRAPH_BREAK = "\n\n"


def as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parse_args(text: str) -> dict[str, Any]:
    """Return the fields of `ToolArgs` that a client gets by parsing the text."""
    try:
        return {"args": json.loads(text) if text.strip() else {}, "args_text": text, "valid": True}
    except ValueError:
        return {"args": None, "args_text": text, "valid": False}


def drop(*classes: type) -> Callable[[Events], Events]:
    return lambda events: [event for event in events if not isinstance(event, classes)]


def change(cls: type, **values: Any) -> Callable[[Events], Events]:
    """Return a rewrite that sets fields of every event of a class.

    A callable value is called with the event.
    """

    def changed(event: Any) -> Any:
        fields = {
            name: value(event) if callable(value) else value for name, value in values.items()
        }
        return replace(event, **fields)

    return lambda events: [changed(event) if isinstance(event, cls) else event for event in events]


def kinds_by_call(events: Events) -> dict[str, str]:
    """Return the kind of each call's tool, by the call's id."""
    return {event.id: event.kind for event in events if isinstance(event, ev.ToolStart)}


def names_by_call(events: Events) -> dict[str, str]:
    """Return the name of each call's tool, by the call's id."""
    return {event.id: event.name for event in events if isinstance(event, ev.ToolStart)}


def change_end(events: Events, *more: ev.Event, **values: Any) -> Events:
    """Return the events with more events before the end, and fields of the end set."""
    end = events[-1]
    return [*events[:-1], *more, replace(end, **values)]


def limit_of(end: ev.RunEnd) -> str | None:
    """Return the limit that cut an incomplete answer short."""
    limits = {
        "max_output_tokens": "length",
        "length": "length",
        "content_filter": "content_filter",
        "max_tokens": "length",
        "max_completion_tokens": "length",
    }
    return limits.get(end.code or "") if end.status == "incomplete" else None
