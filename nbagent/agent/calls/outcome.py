"""`Outcome` of a tool call, and what the model is told of a call that failed or was denied."""

from typing import TypeAlias

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.calls.frames import frames_of
from nbagent.mime import error_of
from nbagent.runtime.post_mortem import drop_own_frames

Outcome: TypeAlias = tuple[e.ToolResult, str]
"""The event of a call's result, and its text for the model."""


def failed(id: str, error: BaseException) -> Outcome:
    """Return the outcome of a call that raised.

    Args:
        id: of the call.
        error: what it raised; nbagent's own frames are taken out of its traceback.
    """
    drop_own_frames(error)
    info = replace(error_of(error), frames=frames_of(error))
    result = e.ToolResult(id=id, status="error", error=info, exception=e.Live(error))
    return result, f"Error: {info.type}: {info.message}"


def denial(reason: str | None) -> str:
    """Return the text that the model gets in place of the result of a call that the reader did not
    permit.
    """
    if reason:
        return f"The user denied this call: {reason}"
    return "The user denied this call."
