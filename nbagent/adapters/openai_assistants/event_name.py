"""Names of the events of Assistants, and those by which NEAR AI's differ."""

from typing import Any

from nbagent.adapters.base.fields import get_field

_OBJECTS = {
    "thread",
    "thread.run",
    "thread.run.step",
    "thread.message",
    "thread.message.delta",
    "thread.run.step.delta",
}

# First events that OpenAI never sends first, or never sends at all: of a client that subscribed
# late.
_LATE_EVENTS = {"thread.message.delta", "thread.message.completed", "thread.run.completed"} | {
    f"thread.run.{state}" for state in ("error", "canceled")
}


def event_name(item: Any) -> str:
    """Return the name of an event; for a bare object, the name that its status stands for; "" if
    there is none.
    """
    event = get_field(item, "event")
    if isinstance(event, str):
        return event
    kind, status = get_field(item, "object"), get_field(item, "status")
    if not isinstance(kind, str) or kind not in _OBJECTS:
        return ""
    if kind.endswith(".delta"):
        return kind
    if not isinstance(status, str):
        status = "created"
    return f"{kind}.{status}"


def is_nearai(item: Any) -> bool:
    """Return True if NEAR AI sent the event: it names agents by path, repeats the event's name as
    `object`, or begins late.
    """
    data, event = get_field(item, "data"), get_field(item, "event")
    if event in _LATE_EVENTS:
        return True
    is_path = "/" in str(get_field(data, "assistant_id") or "")
    return is_path or (
        get_field(data, "object") == event and event is not None and not event.endswith(".delta")
    )
