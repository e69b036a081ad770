"""The events, one class each; those that are a block by themselves are in `nbagent.blocks`."""

from typing import Any, Literal, TypeAlias

from nbagent.blocks import WholeEvent
from nbagent.events.live import Live
from nbagent.protocol.parts import (
    Decision,
    Display,
    Envelope,
    ErrorInfo,
    RunStatus,
    Stage,
    ToolKind,
    ToolStatus,
    Usage,
    Verdict,
)

# --- run and step ---


class RunStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="run.start"):
    """A run begins. `name` is shown in its header."""

    name: str | None = None
    model: str | None = None
    thread_id: str | None = None


class Rewind(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="rewind"):
    """A chat goes back to before one of its prompts, which is asked anew: the answers since then
    are an earlier version.

    Attributes:
        prompt: number of the prompt in the chat, from 1.
    """

    prompt: int


class RunEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="run.end"):
    """A run is over; it closes all that is open.

    Attributes:
        code: a reason for the status.
        output: the answer: a text, or JSON.
        usage: the run's total, that of its sub-agents among it.
        thread_id: id of the session, if the stream gave it after its start.
        value: the answer as a Python object, in this process only; never encoded.
    """

    status: RunStatus
    finish_reason: str | None = None
    code: str | None = None
    output: Any = None
    usage: Usage | None = None
    thread_id: str | None = None
    value: Live | None = None


class StepStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="step.start"):
    """A model response, or a step of a loop, begins."""

    name: str | None = None
    model: str | None = None


class StepEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="step.end"):
    """A model response is over. `finish_reason` is the provider's, `usage` the step's."""

    finish_reason: str | None = None
    usage: Usage | None = None


# --- text and reasoning ---


class TextStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.start"):
    """A text block of the answer begins.

    Attributes:
        kind: "json" is an answer that was asked for in that form, not Markdown.
        phase: the provider's name for the role of the text: "commentary", "final_answer".
        line_breaks: each line end of the text is a line break. In CommonMark a single one is a
            space.
    """

    id: str
    kind: Literal["text", "refusal", "json"] = "text"
    phase: str | None = None
    line_breaks: bool = False


class TextDelta(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.delta"):
    """The next characters of a text."""

    id: str
    delta: str


class TextEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="text.end"):
    """A text is complete; `text`, if given, replaces the text of the deltas."""

    id: str
    text: str | None = None


class ReasoningStart(
    Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.start"
):
    """A reasoning block begins: a provider's `summary` of the reasoning, or the `raw` text."""

    id: str
    kind: Literal["summary", "raw"] = "raw"


class ReasoningDelta(
    Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.delta"
):
    """The next characters of a reasoning block."""

    id: str
    delta: str


class ReasoningEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="reasoning.end"):
    """A reasoning block is complete; `text`, if given, replaces.

    `signature` and `encrypted` are sent back, never shown.
    """

    id: str
    text: str | None = None
    signature: str | None = None
    encrypted: str | None = None


# --- tools ---


class ToolStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.start"):
    """A tool call begins; its arguments may follow.

    Attributes:
        call_id: the provider's id, which need not be unique.
        attempt_of: the call that this one makes again, for its reader; None for a call of the
            model. Its parent is that call.
        tool: the way to make the call again; a `Repeatable`, in this process only, never encoded.
            None if there is no such way.
    """

    id: str
    name: str
    call_id: str | None = None
    kind: ToolKind = "function"
    title: str | None = None
    attempt_of: str | None = None
    tool: Live | None = None


class ToolArgsDelta(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.args.delta"):
    """The next characters of the arguments' text."""

    id: str
    delta: str


class ToolArgs(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.args"):
    """The arguments are complete: `args_text` as written (replaces the deltas), `args` parsed,
    `valid` if they are JSON.
    """

    id: str
    args: Any = None
    args_text: str = ""
    valid: bool = True


class ToolProgress(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.progress"):
    """Progress of a running tool.

    Without a message and numbers: the tool starts only now, after waiting for another.

    Attributes:
        tool: as in `ToolStart`, for a call that the stream has begun without it.
    """

    id: str
    message: str | None = None
    progress: float | None = None
    total: float | None = None
    tool: Live | None = None


class ToolOutput(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.output"):
    """The next characters that a running tool printed or logged.

    They are for the reader, not for the model.
    """

    id: str
    delta: str


class ToolResult(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="tool.result"):
    """The result of a tool.

    A falsy `content` (0, "", False) is a result; a `preliminary` one is replaced by the next.

    Attributes:
        content: the value as JSON, as the model reads it.
        display: the value as a reader sees it, if that differs from `content`.
        value: the Python object, in this process only; never encoded.
        exception: what the tool raised, with its traceback, in this process only; never encoded.
        difference: of an attempt: what differs from the first result; see
            `nbagent.run.diff.difference`.
    """

    id: str
    status: ToolStatus = "ok"
    content: Any = None
    error: ErrorInfo | None = None
    preliminary: bool = False
    display: Display | None = None
    value: Live | None = None
    exception: Live | None = None
    difference: dict[str, Any] | None = None


# --- approvals ---


class ApprovalRequest(
    Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="approval.request"
):
    """The run waits for a person: to allow a `tool`, to give `input`, to sign in (`auth`), or at a
    breakpoint (`stop`).

    Attributes:
        approval_id: id of the question; the answer has the same.
        tool_id: the call that the question is about.
        prompt: the question, in words.
        args: the arguments that the person is asked about, as JSON.
        options: the possible answers, if there are only these; the answer's `value` is one of them.
        schema: JSON Schema of the input; of a `tool`, of arguments that may be changed.
        can_remember: whether the person may allow all further calls of the tool.
        stage: of a `stop`: before a `call`, before a `request` to the model, or after a call, at
            its `result`.
        result: at a call's `result`: the value as the model would read it.
        reply: the way back to the asker; a `Reply`, in this process only, never encoded. None if
            there is no such way.
    """

    approval_id: str
    tool_id: str | None = None
    kind: Literal["tool", "input", "auth", "stop"] = "tool"
    prompt: str | None = None
    args: Any = None
    options: list[str] | None = None
    schema: dict[str, Any] | None = None
    can_remember: bool = False
    stage: Stage | None = None
    result: Any = None
    reply: Live | None = None


class ApprovalResponse(
    Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="approval.response"
):
    """The person's answer to an approval request.

    Attributes:
        approval_id: id of the question.
        decision: `cancel` is no answer: the person closed the question. At a breakpoint `approve`
            goes on, `step` runs the call and stops at its result, and `again` runs it once more.
            `result` gives the call the result `value`, and `error` the error `reason`, in place of
            its own.
        value: the input; of a `tool` or a `stop`, the changed arguments, None for those asked
            about.
        reason: of a denial, for the model.
        remember: whether further calls of the tool are allowed too, without a question.
    """

    approval_id: str
    decision: Decision
    value: Any = None
    reason: str | None = None
    remember: bool = False

    @property
    def verdict(self) -> Verdict:
        """The decision as one on permission: at a breakpoint, each permits the call but a
        denial.
        """
        return self.decision if self.decision == "deny" or self.decision == "cancel" else "approve"


# --- agents ---


class AgentStart(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.start"):
    """A sub-agent begins.

    Events whose `parent_id` is its `id` belong to it. `tool_id`: the call that started it.

    A second one before its end changes its name.
    """

    id: str
    name: str
    tool_id: str | None = None


class AgentEnd(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="agent.end"):
    """A sub-agent has ended.

    Attributes:
        output: its answer: a text, or JSON; None if it is among its texts only.
        usage: its own; the run's total contains it.
        value: the answer as a Python object, in this process only; never encoded.
    """

    id: str
    name: str | None = None
    status: RunStatus = "completed"
    output: Any = None
    usage: Usage | None = None
    value: Live | None = None


# --- the rest ---


class UsageUpdate(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="usage"):
    """Tokens used: `replace` for cumulative counts, `add` for those of one step."""

    usage: Usage
    scope: Literal["step", "run"] = "run"
    mode: Literal["replace", "add"] = "replace"


class Hidden(Envelope, frozen=True, kw_only=True, omit_defaults=True, tag="hidden"):
    """The gate hid something here: a kind of events, or a part of one tool call (`tool_id`)."""

    what: Literal["thinking", "tools", "commentary", "arguments", "result"]
    tool_id: str | None = None


Event: TypeAlias = (
    RunStart
    | RunEnd
    | Rewind
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
    | ToolOutput
    | ToolResult
    | ApprovalRequest
    | ApprovalResponse
    | AgentStart
    | AgentEnd
    | UsageUpdate
    | Hidden
    | WholeEvent
)
