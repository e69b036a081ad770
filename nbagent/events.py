"""The vocabulary: every event that travels between a source and a face, JSON both ways.

An event is a frozen struct with a tag (`type` in JSON, the class in Python) and a common envelope. Consumers `match` on the
class and finish with `assert_never`, so that a new event fails the type check until every consumer handles it.

    >>> to_json(TextDelta(id="text-1", delta="Hi"))
    b'{"type":"text.delta","id":"text-1","delta":"Hi"}'
    >>> from_json(b'{"type":"text.delta","id":"text-1","delta":"Hi"}')
    TextDelta(id='text-1', delta='Hi')

Rules every producer keeps:

1. `id` is ours and unique in the run; the provider's own tool call id goes into `call_id`.
2. A snapshot replaces: `*.end.text` is the authoritative text of its block, never appended.
3. Every start is closed by exactly one end or result, or by `run.end`.
4. Nothing is dropped: an item nobody knows becomes `raw`.
5. A stream that ends without its terminal ends as `run.end{status: "incomplete", code: "stream_truncated"}`.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

RunStatus = Literal["completed", "incomplete", "cancelled", "failed", "paused", "max_steps"]
ToolKind = Literal["function", "hosted", "mcp", "handoff", "custom"]
ToolStatus = Literal["ok", "error", "denied"]
Level = Literal["debug", "info", "warning", "error"]

STREAM_TRUNCATED = "stream_truncated"
"""`run.end.code` of a stream that ended without the terminal its system has."""


class Live:
    """A live Python object riding on an event inside this process; it encodes as null and never leaves.

    The wrapper is what keeps a DataFrame or a secret-bearing object out of every JSON: the encoder sees `Live`, not the value.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Live({type(self.value).__name__})"


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong: `type` is the exception's class name, `traceback` the formatted text, if there is one."""

    message: str
    type: str | None = None
    traceback: str | None = None


class Display(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a value looks to a reader: one line of `summary` and a MIME bundle (`data`: MIME type to text, base64 or JSON)."""

    summary: str = ""
    data: dict[str, Any] = {}


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Token counts, all in tokens; `cost` in US dollars. `input` includes `cache_read`; `output` includes `reasoning`."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    reasoning: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cost: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__struct_fields__)
        return Usage(**dict(zip(self.__struct_fields__, map(_add, pairs), strict=True)))


def _add(pair: tuple[Any, Any]) -> Any:
    left, right = pair
    return right if left is None else left if right is None else left + right


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every event carries. The run stamps `seq`, `ts` and `run_id`; the rest is set where it is known.

    Attributes:
        seq: position in the run, from 1, without gaps.
        ts: seconds since the epoch when the event was received.
        run_id: the run it belongs to.
        step: the number of the model response or loop step, from 1.
        agent: name of the agent that speaks.
        parent_id: id of the tool call or agent block that encloses this one.
        meta: whatever the system says that has no field here.
        raw: the upstream item itself, only on request.
    """

    seq: int = 0
    ts: float = 0.0
    run_id: str = ""
    step: int | None = None
    agent: str | None = None
    parent_id: str | None = None
    meta: dict[str, Any] | None = None
    raw: Any = None

    def __rich_repr__(self) -> Any:
        defaults = dict(zip(reversed(self.__struct_fields__), reversed(self.__struct_defaults__), strict=False))
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name not in defaults or value is not defaults[name]:
                yield name, value

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"


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


def type_of(event: Event) -> str:
    """The event's tag, e.g. `"text.delta"`."""
    return str(event.__struct_config__.tag)


def _plain(value: Any) -> Any:
    """What the encoder does with an object that is not JSON: live values vanish, models dump, the rest says its type."""
    if isinstance(value, Live):
        return None
    if isinstance(value, str):  # a subclass, such as an enum's member
        return str.__str__(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
    Event,
    dec_hook=lambda kind, value: None if kind is Live else value,
)


def to_json(event: Event) -> bytes:
    """One event as one line of JSON (no newline). Live objects become null."""
    return _encoder.encode(event)


def from_json(line: bytes | str) -> Event:
    """The event that `to_json` wrote.

    Raises:
        msgspec.ValidationError: the JSON is not an event; the message names the field.
        msgspec.DecodeError: it is not JSON.
    """
    return _decoder.decode(line)


def to_dict(event: Event) -> dict[str, Any]:
    """One event as plain JSON types: what `to_json` writes, as a dict."""
    plain: dict[str, Any] = msgspec.to_builtins(event, enc_hook=_plain)
    return plain


def from_dict(data: Mapping[str, Any]) -> Event:
    """The event that `to_dict` made.

    Raises:
        msgspec.ValidationError: it is not an event; the message names the field.
    """
    event: Event = msgspec.convert(
        data,
        Event,
        dec_hook=lambda kind, value: None if kind is Live else value,
    )
    return event
