"""The vocabulary: every event between a source and a view, and its JSON both ways.

An event is a frozen struct with a tag (`type` in JSON, the class in Python) and a common envelope.
Consumers `match` on the class, or look it up in a table. A new class fails the type check
(`assert_never`) or `tests/test_every_event.py` until gate, transcript, inspector, lanes and
encoders handle it.

    >>> to_json(TextDelta(id="text-1", delta="Hi"))
    b'{"type":"text.delta","id":"text-1","delta":"Hi"}'
    >>> from_json(b'{"type":"text.delta","id":"text-1","delta":"Hi"}')
    TextDelta(id='text-1', delta='Hi')

Rules for every producer:

1. `id` is made by nbagent and unique in the run; the provider's id of a tool call is its `call_id`.
2. A snapshot replaces: `*.end.text` is the whole text of its block, and is never appended.
3. Every start is closed by exactly one end or result, or by `run.end`.
4. Nothing is dropped: an unknown item becomes `raw`.
5. A stream that ends without its terminal item ends with `run.end{status: "incomplete", code:
  "stream_truncated"}`.
"""

import nbagent.blocks
from nbagent.blocks import *  # noqa: F403 - its events, which are all of its `__all__`
from nbagent.events.codec import from_dict, from_json, to_dict, to_json, type_of
from nbagent.events.kinds import (
    AgentEnd,
    AgentStart,
    ApprovalRequest,
    ApprovalResponse,
    Event,
    Hidden,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    Rewind,
    RunEnd,
    RunStart,
    StepEnd,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolArgsDelta,
    ToolOutput,
    ToolProgress,
    ToolResult,
    ToolStart,
    UsageUpdate,
)
from nbagent.events.live import Live, Repeatable, Reply
from nbagent.protocol.parts import (
    CLIENT_CALLS,
    RAW_HINT,
    STREAM_TRUNCATED,
    Decision,
    Display,
    Envelope,
    ErrorFrame,
    ErrorInfo,
    Level,
    RunStatus,
    Stage,
    ToolKind,
    ToolStatus,
    Usage,
)

__all__ = [
    "CLIENT_CALLS",
    "RAW_HINT",
    "STREAM_TRUNCATED",
    "AgentEnd",
    "AgentStart",
    "ApprovalRequest",
    "ApprovalResponse",
    "Decision",
    "Display",
    "Envelope",
    "ErrorFrame",
    "ErrorInfo",
    "Event",
    "Hidden",
    "Level",
    "Live",
    "ReasoningDelta",
    "ReasoningEnd",
    "ReasoningStart",
    "Repeatable",
    "Reply",
    "Rewind",
    "RunEnd",
    "RunStart",
    "RunStatus",
    "Stage",
    "StepEnd",
    "StepStart",
    "TextDelta",
    "TextEnd",
    "TextStart",
    "ToolArgs",
    "ToolArgsDelta",
    "ToolKind",
    "ToolOutput",
    "ToolProgress",
    "ToolResult",
    "ToolStart",
    "ToolStatus",
    "Usage",
    "UsageUpdate",
    "from_dict",
    "from_json",
    "to_dict",
    "to_json",
    "type_of",
]
__all__ += nbagent.blocks.__all__
