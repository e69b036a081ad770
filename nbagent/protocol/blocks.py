"""The props of every kind of block.

A block is one thing that a reader sees in a transcript. Its props are a JSON object that `open`
creates and `set` changes; `kind` identifies the struct below. A field is absent until it has been
set, and null where it was set to "none". Times are seconds since the epoch by the kernel's clock.

There are no kinds `state` and `raw`: those events become `custom` blocks. The prop `hidden` of the
run and of a tool call lists what the gate hides.

On the way to a view, a value too large to travel with its block is replaced by a
`nbagent.protocol.values.LargeValue`.
"""

import functools
from typing import Any, Literal, TypeAlias

import msgspec
import msgspec.inspect
from msgspec import UNSET, UnsetType

from nbagent.protocol.nodes import Node
from nbagent.protocol.parts import Decision, RunStatus, Stage, ToolKind, Usage
from nbagent.protocol.values import (
    ForkNode,
    MimeBundle,
    Outcome,
    ToolError,
    ToolProgress,
    ToolState,
)

# Fields are declared in the order in which they are written.


class BlockProps(msgspec.Struct, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """Props that a block of any kind may have.

    Attributes:
        user_open: true if the reader opened the block's panel, false if the reader closed it;
            absent until then.
        replaced: true if the block belongs to an earlier version of a chat: a prompt before it was
            edited or asked again.
        waited: of a run, an agent or a call: seconds for which it waited for the reader so far.
        waits_since: when it began to wait for the reader; null while it does not.
        untimed: true if the times are not those of the work: it was done earlier, and is read from
            a store.
        drawn: nodes that the block is drawn of, if the view has no component for its kind.
    """

    user_open: bool | UnsetType = UNSET
    replaced: bool | UnsetType = UNSET
    waited: float | UnsetType = UNSET
    waits_since: float | UnsetType | None = UNSET
    untimed: bool | UnsetType = UNSET
    drawn: list[Node] | UnsetType = UNSET


class RunProps(BlockProps, tag="run"):
    """The root block: the run itself.

    Of a chat, `started` to `first_token`, `speed`, `waited` and `words` are those of the last
    answer, all else is the chat's.

    Attributes:
        name: title of the run.
        model: the model's name; absent until the stream has sent it.
        status: `running`, `stopping` after the reader pressed Stop, then how the run ended.
        stopped_by: name of the one who stopped the run: "you", or a program; null or absent where
            its service did.
        started: when the run began.
        ended: when the run ended; null while a further answer of a chat is written.
        finish_reason: the provider's own reason for the end.
        code: more about the status: an error code, or `stream_truncated`.
        last_output: output tokens of the last step, when it has ended; absent if they are unknown.
        first_token: seconds from `started` to the first text, thought or tool argument; null
            before.
        speed: output tokens for each second that the model wrote; null if it is unknown. The time
            before the first token, in tools, and of waiting for the reader is left out.
        usage: tokens so far; counts that are unknown are absent.
        hidden: content that the gate hides from the reader: `thinking`, `tools`, `commentary`.
        events: number of events so far.
        words: number of words of texts and thoughts that were streamed so far.
        tools: number of tool calls so far.
        tools_failed: number of tool calls that ended with an error.
        lanes: number of streams that are shown side by side; absent for one stream.
        copied: number of events that the static copy in the notebook held when it was sent last;
            absent before that.
        turns: number of answers of a chat so far; absent for a run that is no chat. Between two of
            them the run has ended, and the reader may write the next prompt.
        about: of a chat: what its agent does, in one line; absent if that is hidden.
        offers: of a chat: names of its agent's tools; absent if they are hidden.
        versions: number of earlier versions of a chat: how often a prompt was edited or asked
            again.
        height: pixels of the transcript's box, 0 for its full height; absent for a box that opens
            at the end.
        panels: kinds of panels that are open, `thinking`, `tools`, `agents`, and no others; absent
            for those that are active.
        final_only: true if the transcript is shown when the run has ended.
        can_stop: true if breakpoints may be set: code of the run looks for them.
        stop_at: names of the tools before whose calls the run stops; `*` is every tool.
        step: true if the run stops before every call and every request to the model.
        forks: the run and the runs that go on from it or that it goes on from; absent if there are
            none.
        can_fork: true if another run may go on from a place in this one: an `nbagent.Agent` is
            known, or an `on_fork`. What a form for it begins with is the large value `fork/BLOCK`,
            or `fork-request/NUMBER`.
        can_keep: true if the run may be kept as a test: its `nbagent.Agent` is known.
        outcome: of the reader's last act; absent before the first.
    """

    name: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    status: Literal["running", "stopping"] | RunStatus | UnsetType = UNSET
    stopped_by: str | UnsetType | None = UNSET
    started: float | UnsetType = UNSET
    ended: float | UnsetType | None = UNSET
    finish_reason: str | UnsetType | None = UNSET
    code: str | UnsetType | None = UNSET
    last_output: int | UnsetType | None = UNSET
    first_token: float | UnsetType | None = UNSET
    speed: float | UnsetType | None = UNSET
    usage: Usage | UnsetType = UNSET
    hidden: list[str] | UnsetType = UNSET
    events: int | UnsetType = UNSET
    words: int | UnsetType = UNSET
    tools: int | UnsetType = UNSET
    tools_failed: int | UnsetType = UNSET
    lanes: int | UnsetType = UNSET
    copied: int | UnsetType = UNSET
    turns: int | UnsetType = UNSET
    about: str | UnsetType = UNSET
    offers: list[str] | UnsetType = UNSET
    versions: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    panels: list[str] | UnsetType = UNSET
    final_only: bool | UnsetType = UNSET
    can_stop: bool | UnsetType = UNSET
    stop_at: list[str] | UnsetType = UNSET
    step: bool | UnsetType = UNSET
    forks: list[ForkNode] | UnsetType = UNSET
    can_fork: bool | UnsetType = UNSET
    can_keep: bool | UnsetType = UNSET
    outcome: Outcome | UnsetType = UNSET


class TextProps(BlockProps, tag="text"):
    """A piece of the answer.

    Attributes:
        text: Markdown; it grows by `append`.
        text_kind: `refusal` where the model declined to answer; `json` where the text is JSON, not
            Markdown.
        phase: the provider's name for the role of the text: `commentary`, `final_answer`.
        line_breaks: true if each line end is a line break; otherwise a single one is a space, as in
            CommonMark.
    """

    text: str | UnsetType = UNSET
    text_kind: Literal["text", "refusal", "json"] | UnsetType = UNSET
    phase: str | UnsetType | None = UNSET
    line_breaks: bool | UnsetType = UNSET


class ReasoningProps(BlockProps, tag="reasoning"):
    """A piece of the model's reasoning.

    Attributes:
        text: Markdown; it grows by `append`.
        reasoning_kind: `summary` where the provider sends a summary of the reasoning, `raw` for the
            reasoning itself.
        started: when it began.
        ended: when it ended.
    """

    text: str | UnsetType = UNSET
    reasoning_kind: Literal["summary", "raw"] | UnsetType = UNSET
    started: float | UnsetType = UNSET
    ended: float | UnsetType = UNSET


class ToolProps(BlockProps, tag="tool"):
    """A tool call.

    Attributes:
        name: the tool's name.
        tool_kind: kind of the tool, by the side that runs it.
        args: the parsed arguments; absent while they stream.
        args_valid: true if the arguments were valid JSON.
        args_done: when the arguments were complete and the tool began to run.
        progress: the latest progress.
        summary: one line that describes the result.
        result: representations of the result, also of a preliminary one. Absent for an error
            without content.
        state: state of the call.
        args_text: the arguments as the model wrote them; it grows by `append`.
        started: when the call began.
        ended: when the call ended.
        error: the error, or why the call was denied.
        call_id: the provider's own id, which need not be unique.
        title: a name for readers, shown instead of `name`.
        hidden: parts of this call that the gate hides: `arguments`, `result`.
        open: true if the panel stays open after the call's end: the result is a picture, or the
            last table among siblings, or a call inside has a picture.
        in_row: parts of this call that its row shows whole, so that its panel leaves them out:
            `arguments`, `result`.
        changed: parts of this call that a fork was given in place of the recorded ones:
            `arguments`, `result`.
        output: the text that the tool printed or logged; it grows by `append`.
        can_rerun: true if the reader may make the call again. A form's schema is the large value
            `rerun/BLOCK`.
        problem: why the reader's last wish to make the call again failed; null after one that did
            not.
        attempt_of: id of the call that this one makes again, for the reader; absent for a call of
            the model.
        difference: of an attempt: what differs from the first result; see
            `nbagent.run.diff.difference`.
    """

    name: str | UnsetType = UNSET
    tool_kind: ToolKind | UnsetType = UNSET
    args: Any = UNSET
    args_valid: bool | UnsetType = UNSET
    args_done: float | UnsetType = UNSET
    progress: ToolProgress | UnsetType = UNSET
    summary: str | UnsetType = UNSET
    result: MimeBundle | UnsetType = UNSET
    state: ToolState | UnsetType = UNSET
    args_text: str | UnsetType = UNSET
    started: float | UnsetType = UNSET
    ended: float | UnsetType | None = UNSET
    error: ToolError | UnsetType | None = UNSET
    call_id: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    hidden: list[str] | UnsetType = UNSET
    open: bool | UnsetType = UNSET
    in_row: list[str] | UnsetType = UNSET
    changed: list[str] | UnsetType = UNSET
    output: str | UnsetType = UNSET
    can_rerun: bool | UnsetType = UNSET
    problem: str | UnsetType | None = UNSET
    attempt_of: str | UnsetType = UNSET
    difference: dict[str, Any] | UnsetType = UNSET


class AgentProps(BlockProps, tag="agent"):
    """A sub-agent at work, or one of several streams that are shown together; its blocks are its
    children.

    Attributes:
        name: the agent's name.
        status: `running`, then how it ended.
        started: when it began.
        ended: when it ended.
        stopped_by: as for a run.
        finish_reason: as for a run.
        code: as for a run.
        last_output: as for a run.
        usage: its tokens, when it has ended.
        tools: number of its tool calls so far.
        tools_failed: number of them that ended with an error.
    """

    name: str | UnsetType = UNSET
    status: Literal["running"] | RunStatus | UnsetType = UNSET
    started: float | UnsetType = UNSET
    ended: float | UnsetType = UNSET
    stopped_by: str | UnsetType = UNSET
    finish_reason: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    last_output: int | UnsetType = UNSET
    usage: Usage | UnsetType = UNSET
    tools: int | UnsetType = UNSET
    tools_failed: int | UnsetType = UNSET


class ApprovalProps(BlockProps, tag="approval"):
    """A question to the reader that the run waits for.

    Attributes:
        approval_kind: purpose of the request: permission for a tool, input, a sign-in, or what to
            do at a breakpoint (`stop`).
        stage: of a `stop`: before a `call`, before a `request` to the model, or after a call, at
            its `result`.
        result: at a call's `result`: the text that the model would read, JSON or another one; null
            if the call failed.
        tool_id: id of the tool block that the question is about.
        prompt: the question.
        args: the arguments that the reader is asked about.
        options: the possible answers.
        schema: JSON Schema of the input; of a tool's call, of the arguments, which the reader may
            then change.
        answerable: true if an answer given here reaches the asker, while the block is open.
        can_remember: true if the reader may allow all further calls of the tool.
        problem: why the last answer was not taken; null after one that was.
        decision: the answer; absent until there is one.
        value: the input given, or the arguments as the reader changed them.
        reason: why it was decided so.
        remember: true if further calls of the tool are allowed too.
    """

    approval_kind: Literal["tool", "input", "auth", "stop"] | UnsetType = UNSET
    stage: Stage | UnsetType | None = UNSET
    result: str | UnsetType | None = UNSET
    tool_id: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    args: Any = UNSET
    options: list[str] | UnsetType | None = UNSET
    schema: dict[str, Any] | UnsetType | None = UNSET
    answerable: bool | UnsetType = UNSET
    can_remember: bool | UnsetType = UNSET
    problem: str | UnsetType | None = UNSET
    decision: Decision | UnsetType = UNSET
    value: Any = UNSET
    reason: str | UnsetType | None = UNSET
    remember: bool | UnsetType = UNSET


GrowingProps: TypeAlias = (
    RunProps | TextProps | ReasoningProps | ToolProps | AgentProps | ApprovalProps
)
"""The props of the kinds that change while a run goes on.

Those of the others are in `nbagent.blocks`, and so is the union of all, `AnyProps`.
"""


STREAMED_FIELDS = frozenset({"text", "args_text", "output"})
"""Fields that grow by `append`.

A long one travels as several appends and never becomes a `LargeValue`.
"""

BUNDLE_FIELDS = frozenset({"result", "error", "progress"})
"""Fields whose members become `LargeValue`s one by one, never the whole."""


def kind_of(props: BlockProps) -> str:
    """Return the `kind` of the blocks that have these props, e.g. `"tool"`."""
    return str(props.__struct_config__.tag)


def to_dict(props: msgspec.Struct) -> dict[str, Any]:
    """Return the fields that are set, by their names on the wire, without `kind`.

    Values are shared, not copied.
    """
    named = zip(props.__struct_encode_fields__, msgspec.structs.astuple(props), strict=True)
    made = {name: value for name, value in named if value is not UNSET}
    for name in _struct_fields(type(props)).intersection(made):
        made[name] = msgspec.to_builtins(made[name])
    return made


@functools.cache
def _struct_fields(props: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names of the fields that hold structs: one, or a list of them."""
    info = msgspec.inspect.type_info(props)
    assert isinstance(info, msgspec.inspect.StructType)
    return frozenset(field.encode_name for field in info.fields if structs_in(field.type))


def structs_in(kind: msgspec.inspect.Type) -> list[type[msgspec.Struct]]:
    """Return the structs that a field of this type may hold, without those in their own fields."""
    match kind:
        case msgspec.inspect.StructType():
            return [kind.cls]
        case msgspec.inspect.ListType():
            return structs_in(kind.item_type)
        case msgspec.inspect.UnionType():
            return [struct for member in kind.types for struct in structs_in(member)]
    return []
