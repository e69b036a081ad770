"""Other systems' names for what nbagent has, as hints in place of an attribute that does not exist.

The pages in docs/how-to/coming-from have all names of each system.
"""

from collections.abc import Sequence

_STREAM = "agent.stream(…) is the stream, and nbagent.show(agent.stream(…)) shows it"

OF_AGENT = {
    "serve": "nbagent.serve(agent) serves it",
    "start": (
        "nothing is to be started: agent.stream(…) begins when it is read, and "
        "nbagent.serve(agent) serves it"
    ),
    "stop": "run.cancel() stops a run, nbagent.runs.cancel() all of them",
    "cancel": "run.cancel() stops a run, nbagent.runs.cancel() all of them",
    "chat": "nbagent.chat(agent) is a conversation in the cell",
    "stream_chat": _STREAM,
    "streamText": _STREAM,
    "run_streamed": _STREAM,
    "stream_events": _STREAM,
    "astream": _STREAM,
    "astream_events": _STREAM,
    "createSession": "agent.session(name) is a conversation",
    "create_session": "agent.session(name) is a conversation",
}
"""Hints in place of an agent's method, by its name in other systems."""

_FIELDS = {
    "delta": (
        "chunk",
        "content",
        "text",
        "textDelta",
        "text_delta",
        "token",
        "output_text",
        "choices",
        "value",
    ),
    "name": ("toolName", "tool_name", "tool", "function"),
    "args": ("arguments", "input", "parameters", "tool_input"),
    "content": ("result", "output", "toolResult", "tool_output", "rawResult", "sanitized"),
    "id": ("toolCallId", "tool_call_id", "callId", "call_id", "messageId"),
    "message": ("error", "errorText", "detail", "exception"),
    "status": ("state", "finishReason", "finish_reason"),
    "usage": ("tokenUsage", "token_usage", "usage_metadata"),
    "type": ("kind", "event", "event_type", "eventType"),
    "agent": ("sender", "author", "sub_agent_name"),
}
_OURS = {name: ours for ours, names in _FIELDS.items() for name in names}
"""Our field of an event, by its name there."""

_WHERE = {
    "delta": "text.delta",
    "name": "tool.start",
    "args": "tool.args",
    "content": "tool.result",
    "id": "tool.start",
    "message": "error",
    "status": "run.end",
    "usage": "step.end",
}
"""An event that has the field."""


def of_event(name: str, tag: str, fields: Sequence[str]) -> str:
    """Return a sentence that begins with a semicolon and names our field for another system's; ""
    if it is not known.

    Args:
        name: that the event does not have.
        tag: of the event, such as "text.delta".
        fields: that it has.
    """
    ours = _OURS.get(name)
    if ours is None:
        return ""
    if ours in fields or ours == "type":
        return f"; it is event.{ours}"
    return f"; an event {_WHERE[ours]!r} has it as {ours!r}, and this one is {tag!r}"
