"""Small changes of a run's events, of which losses are made."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from nbagent import events as ev

Events = list[Any]
_TEXT = (ev.TextStart, ev.TextDelta, ev.TextEnd)
THOUGHT = (ev.ReasoningStart, ev.ReasoningDelta, ev.ReasoningEnd)
TOOL = (ev.ToolStart, ev.ToolArgsDelta, ev.ToolArgs, ev.ToolProgress, ev.ToolResult)
APPROVAL = (ev.ApprovalRequest, ev.ApprovalResponse)
OWN = {"function", "custom", "handoff"}
BREAK = "\n\n"


def text_of(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parse(text: str) -> dict[str, Any]:
    """Arguments as a reader of their text takes them."""
    try:
        return {"args": json.loads(text) if text.strip() else {}, "args_text": text, "valid": True}
    except ValueError:
        return {"args": None, "args_text": text, "valid": False}


def drop(*classes: type) -> Callable[[Events], Events]:
    return lambda events: [event for event in events if not isinstance(event, classes)]


def change(cls: type, **values: Any) -> Callable[[Events], Events]:
    """Every event of a class with other values; a value may be made from the event by a function."""

    def changed(event: Any) -> Any:
        made = {name: value(event) if callable(value) else value for name, value in values.items()}
        return replace(event, **made)

    return lambda events: [changed(event) if isinstance(event, cls) else event for event in events]


def kinds(events: Events) -> dict[str, str]:
    return {event.id: event.kind for event in events if isinstance(event, ev.ToolStart)}


def names(events: Events) -> dict[str, str]:
    return {event.id: event.name for event in events if isinstance(event, ev.ToolStart)}


def at_end(events: Events, *more: ev.Event, **values: Any) -> Events:
    """The events with some more before their end, and an end with other values."""
    end = events[-1]
    return [*events[:-1], *more, replace(end, **values)]


def cut(end: ev.RunEnd) -> str | None:
    words = {
        "max_output_tokens": "length",
        "length": "length",
        "content_filter": "content_filter",
        "max_tokens": "length",
        "max_completion_tokens": "length",
    }
    return words.get(end.code or "") if end.status == "incomplete" else None
