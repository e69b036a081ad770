"""The events, one class each."""

from typing import Any, Literal, TypeAlias

import msgspec

from nbagent.events.parts import Display, Envelope, ErrorInfo, Level, Live, RunStatus, ToolKind, ToolStatus, Usage

# --- run and step -----------------------------------------------------------------------------------------------------


class RunStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="run.start"):
    """A run begins. `name` is what the header shows."""

    name: str | None = None
    model: str | None = None
    thread_id: str | None = None


class RunEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="run.end"):
    """A run is over; it closes everything still open. `usage` is the run's total, `code` says more about the status."""

    status: RunStatus
    finish_reason: str | None = None
    code: str | None = None
    output: Any = None
    usage: Usage | None = None


class StepStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="step.start"):
    """One model response (or one turn of a loop) begins."""

    name: str | None = None
    model: str | None = None


class StepEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="step.end"):
    """One model response is over, with the provider's own finish reason and the step's usage."""

    finish_reason: str | None = None
    usage: Usage | None = None


# --- text and reasoning -----------------------------------------------------------------------------------------------


class TextStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.start"):
    """A piece of the answer begins. `phase` is the provider's ("commentary", "final_answer")."""

    id: str
    kind: Literal["text", "refusal"] = "text"
    phase: str | None = None


class TextDelta(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.delta"):
    """More of a text."""

    id: str
    delta: str


class TextEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.end"):
    """A text is whole; `text`, if given, replaces what the deltas built."""

    id: str
    text: str | None = None


class ReasoningStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.start"):
    """The model begins to think aloud: a provider's `summary` of it, or the `raw` thing."""

    id: str
    kind: Literal["summary", "raw"] = "raw"


class ReasoningDelta(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.delta"):
    """More of a thought."""

    id: str
    delta: str


class ReasoningEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.end"):
    """A thought is whole; `text` replaces. `signature` and `encrypted` are opaque and only ever sent back, never shown."""

    id: str
    text: str | None = None
    signature: str | None = None
    encrypted: str | None = None


# --- tools ------------------------------------------------------------------------------------------------------------


class ToolStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.start"):
    """A tool call begins; its arguments may still be on their way. `call_id` is the provider's, not unique."""

    id: str
    name: str
    call_id: str | None = None
    kind: ToolKind = "function"
    title: str | None = None


class ToolArgsDelta(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.args.delta"):
    """More of the arguments' text."""

    id: str
    delta: str


class ToolArgs(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.args"):
    """The arguments are whole: `args_text` as written (replaces the deltas), `args` parsed, `valid` if it was JSON."""

    id: str
    args: Any = None
    args_text: str = ""
    valid: bool = True


class ToolProgress(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.progress"):
    """A running tool tells how far it is; without a word, that it begins only now (it waited for another)."""

    id: str
    message: str | None = None
    progress: float | None = None
    total: float | None = None


class ToolResult(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.result"):
    """What a tool returned. A falsy `content` (0, "", False) is a result; `preliminary` ones are replaced by the next.

    Attributes:
        content: JSON: what the model gets to see.
        display: how a reader sees it, where that differs from `content`.
        value: the live Python object, in this process only; never encoded.
    """

    id: str
    status: ToolStatus = "ok"
    content: Any = None
    error: ErrorInfo | None = None
    preliminary: bool = False
    display: Display | None = None
    value: Live | None = None


# --- approvals --------------------------------------------------------------------------------------------------------


class ApprovalRequest(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="approval.request"):
    """The run waits for a human: to allow a `tool`, to give `input` (shape: JSON Schema `schema`) or to sign in (`auth`)."""

    approval_id: str
    tool_id: str | None = None
    kind: Literal["tool", "input", "auth"] = "tool"
    prompt: str | None = None
    args: Any = None
    options: list[str] | None = None
    schema: dict[str, Any] | None = None


class ApprovalResponse(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="approval.response"):
    """The human's answer."""

    approval_id: str
    decision: Literal["approve", "deny", "cancel"]
    value: Any = None
    reason: str | None = None


# --- agents -----------------------------------------------------------------------------------------------------------


class AgentStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.start"):
    """A sub-agent begins; events with `parent_id` equal to its `id` are its own. `tool_id`: the call that started it."""

    id: str
    name: str
    tool_id: str | None = None


class AgentEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.end"):
    """A sub-agent is done."""

    id: str
    name: str | None = None
    status: RunStatus = "completed"


class AgentHandoff(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.handoff"):
    """Another agent takes over."""

    to: str
    from_: str | None = msgspec.field(default=None, name="from")
    tool_id: str | None = None


# --- the rest ---------------------------------------------------------------------------------------------------------


class UsageUpdate(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="usage"):
    """Tokens so far: `replace` for cumulative counts, `add` for one step's own."""

    usage: Usage
    scope: Literal["step", "run"] = "run"
    mode: Literal["replace", "add"] = "replace"


class Source(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="source"):
    """Something the answer rests on: a page, a document. `text_id`: the text it belongs to."""

    id: str
    url: str | None = None
    title: str | None = None
    text_id: str | None = None


class File(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="file"):
    """A file the model made: `url`, or `data` as base64. The same `id` again replaces (a partial image, then the whole)."""

    id: str
    media_type: str
    url: str | None = None
    data: str | None = None
    name: str | None = None


class State(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="state"):
    """The agent's shared state: a whole `snapshot`, or an RFC 6902 `patch`."""

    snapshot: Any = None
    patch: list[dict[str, Any]] | None = None


class Status(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="status"):
    """One line about what goes on (a retry, a queue, a search)."""

    message: str
    level: Level = "info"


class Hidden(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="hidden"):
    """Something is kept from the reader here: a kind of thing, or a part of one tool call (`tool_id`)."""

    what: Literal["thinking", "tools", "commentary", "arguments", "result"]
    tool_id: str | None = None


class Error(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    """Something failed. `fatal`: the run cannot go on. `error_type`: exception class or the provider's error type."""

    message: str
    code: str | None = None
    error_type: str | None = None
    fatal: bool = False
    tool_id: str | None = None
    traceback: str | None = None


class Custom(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="custom"):
    """An application's own event."""

    name: str
    data: Any = None


class Raw(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="raw"):
    """An upstream item that this version does not know, kept as it came. `name`: its tag, if it had one."""

    data: Any = None
    name: str | None = None


Event: TypeAlias = (
    RunStart
    | RunEnd
    | StepStart
    | StepEnd
    | TextStart
    | TextDelta
    | TextEnd
    | ReasoningStart
    | ReasoningDelta
    | ReasoningEnd
    | ToolStart
    | ToolArgsDelta
    | ToolArgs
    | ToolProgress
    | ToolResult
    | ApprovalRequest
    | ApprovalResponse
    | AgentStart
    | AgentEnd
    | AgentHandoff
    | UsageUpdate
    | Source
    | File
    | State
    | Status
    | Hidden
    | Error
    | Custom
    | Raw
)
