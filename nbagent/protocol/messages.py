"""The messages of the channel between kernel and view: JSON objects whose `t` is their type.

None has a top-level `id`: ipykernel 7.4 keeps such messages for ever.

To add a message: declare its struct here, add it to `KernelMessage` or `ViewMessage`, and run
`python -m nbagent.blocks.typescript`. mypy and tsc then point at the places that have to handle
it.
"""

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from nbagent.protocol.blocks import to_dict
from nbagent.protocol.json_size import MAX_EXACT_INT
from nbagent.protocol.ops import WireOp
from nbagent.protocol.parts import Decision

Number: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_EXACT_INT)]
"""A whole number that JavaScript represents exactly."""

MAX_NAME_CHARS = 1024
"""Characters of the name of a large value; a longer one names nothing."""

MAX_KEY_CHARS = 64
"""Characters of the key of a prompt."""

MAX_REASON_CHARS = 10_000
"""Characters of the reason that a reader may give for a denial."""

_log = logging.getLogger("nbagent")


# --- kernel → view ---


class Ops(msgspec.Struct, tag_field="t", tag="ops"):
    """A batch of changes.

    Attributes:
        seq: number of the message. Batches and pieces of snapshots count together, from 1, without
            gaps.
        now: the kernel's clock, in seconds since the epoch; the view measures durations by it.
        ops: the changes, in order; see `nbagent.protocol.ops`.
    """

    seq: int
    now: float
    ops: list[WireOp]


class Snapshot(msgspec.Struct, tag_field="t", tag="snapshot"):
    """A piece of the whole transcript, as the ops that build it.

    The tree is loaded when the last piece has come. It replaces everything queued, so a page loads
    every snapshot it receives.

    Attributes:
        seq: number of the message.
        now: the kernel's clock, in seconds since the epoch.
        first: true for the first piece.
        last: true for the last piece.
        ops: the ops of this piece.
    """

    seq: int
    now: float
    first: bool
    last: bool
    ops: list[WireOp]


class Beat(msgspec.Struct, tag_field="t", tag="beat"):
    """A sign of life: nothing is new.

    Attributes:
        seq: number of the last batch; a view that has less has lost one.
        now: the kernel's clock, in seconds since the epoch.
    """

    seq: int
    now: float


class Part(msgspec.Struct, tag_field="t", tag="part"):
    """A page of a large value, of a module of the front end, or of an answer of the inspector.

    Attributes:
        name: the name that the view asked for.
        at: offset of the page's first character. Characters are Unicode code points, not UTF-16
            units.
        text: the page; absent if there is an error.
        size: characters in all; absent if there is an error.
        error: why there is no page, in words for the reader; absent otherwise.
    """

    name: str
    at: int
    text: str | UnsetType = UNSET
    size: int | UnsetType = UNSET
    error: str | UnsetType = UNSET


class Said(msgspec.Struct, tag_field="t", tag="said"):
    """A prompt is being asked, or was asked already when it came again after a connection was lost.

    Attributes:
        key: of the prompt; see `Say`.
    """

    key: str


KernelMessage: TypeAlias = Ops | Snapshot | Beat | Part | Said


def to_wire(message: KernelMessage) -> dict[str, Any]:
    """Return the message as the JSON object that is sent. Its values are shared, not copied."""
    return {"t": message.__struct_config__.tag, **to_dict(message)}


# --- view → kernel ---


class Hello(msgspec.Struct, tag_field="t", tag="hello"):
    """A view has come, or comes back; it is sent a snapshot.

    Attributes:
        have: number of the last batch it has; 0 for none. The snapshot's numbers are higher.
    """

    have: Number = 0


class Resync(msgspec.Struct, tag_field="t", tag="resync"):
    """The view has lost a batch; it is sent a snapshot."""


class Ack(msgspec.Struct, tag_field="t", tag="ack"):
    """The view has drawn everything up to a batch.

    Attributes:
        seq: number of the batch.
    """

    seq: int


class Need(msgspec.Struct, tag_field="t", tag="need"):
    """The view asks for a page of something large; it is sent a `Part`.

    Attributes:
        name: the `part` of a `LargeValue`, a module of the front end, or a question to the
            inspector.
        at: offset of the page's first character, in Unicode code points.
    """

    name: Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
    at: Number


class Stop(msgspec.Struct, tag_field="t", tag="stop"):
    """The reader pressed Stop."""


class Toggle(msgspec.Struct, tag_field="t", tag="toggle"):
    """The reader opened or closed a panel, or all of them.

    Attributes:
        block: id of the panel's block; null for the panels of all blocks.
        open: true if it is open now.
    """

    block: str | None
    open: bool


class Answer(msgspec.Struct, tag_field="t", tag="answer"):
    """The reader answered a question.

    Attributes:
        block: id of the question's block.
        decision: the answer; `cancel` closes the question without one.
        value: the input, as JSON text, because a browser's numbers lose digits. Of a tool's call,
            the arguments if the reader changed them; for the decision `result`, the result.
        reason: of a denial, or the message of an error, for the model.
        remember: true if further calls of the tool are allowed too.
    """

    block: str
    decision: Decision
    value: str | None = None
    reason: Annotated[str, Meta(max_length=MAX_REASON_CHARS)] | None = None
    remember: bool = False


class Break(msgspec.Struct, tag_field="t", tag="break"):
    """The reader set or cleared a breakpoint.

    Attributes:
        tool: name of the tool before whose calls the run stops.
        set: true if it does from now on.
    """

    tool: Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
    set: bool


class Step(msgspec.Struct, tag_field="t", tag="step"):
    """The reader wants the run to stop before every call and every request to the model, or no
    more.

    Attributes:
        on: true if it does from now on.
    """

    on: bool


class Rerun(msgspec.Struct, tag_field="t", tag="rerun"):
    """The reader wants a tool call to be made again.

    Attributes:
        block: id of the call's block.
        args: all arguments as JSON text, because a browser's numbers lose digits; null for those of
            the call.
        force: true to call a tool that must not be called twice.
    """

    block: str
    args: str | None = None
    force: bool = False


class Fork(msgspec.Struct, tag_field="t", tag="fork"):
    """The reader wants a run that goes on from a place in this one; see `run.fork`.

    Attributes:
        key: made by the view; the run's prop `outcome` names it.
        block: id of the block of the call at the place; null for a request.
        request: number of the request at the place; null for a call.
        changes: the changes to the run, as JSON text in the form of a `ForkForm`.
    """

    key: Annotated[str, Meta(max_length=MAX_KEY_CHARS)]
    block: str | None = None
    request: int | None = None
    changes: str = "{}"


class Keep(msgspec.Struct, tag_field="t", tag="keep"):
    """The reader wants the run to be kept as a test; see `run.to_test`.

    Attributes:
        key: made by the view; the run's prop `outcome` names it.
    """

    key: Annotated[str, Meta(max_length=MAX_KEY_CHARS)]


class Compare(msgspec.Struct, tag_field="t", tag="compare"):
    """The reader wants the run to be compared with the others of its tree of forks; see
    `nbagent.compare`.

    Attributes:
        key: made by the view; the run's prop `outcome` names it.
    """

    key: Annotated[str, Meta(max_length=MAX_KEY_CHARS)]


class Send(msgspec.Struct, tag_field="t", tag="send"):
    """The reader wants a request to a model to be sent again; see `Request.send`.

    Attributes:
        key: made by the view; the run's prop `outcome` names it.
        request: number of the request.
        fields: its fields as they shall be, as JSON text.
    """

    key: Annotated[str, Meta(max_length=MAX_KEY_CHARS)]
    request: int
    fields: str


class StopAttempt(msgspec.Struct, tag_field="t", tag="stop_attempt"):
    """The reader stops an attempt of a tool call.

    Attributes:
        block: id of the attempt's block.
    """

    block: str


class Say(msgspec.Struct, tag_field="t", tag="say"):
    """The reader wrote a prompt in a chat.

    Attributes:
        text: of the prompt.
        files: that were dropped with it: dicts with `name`, `media_type` and `data` (base64).
        instead_of: id of the block of an earlier prompt, in whose place this one is asked; null for
            the next one.
        key: made by the view for each prompt, in case it has to send it again: a server asks it
            once, and answers with `Said`.
    """

    text: str
    files: list[dict[str, str]] = []
    instead_of: str | None = None
    key: Annotated[str, Meta(max_length=MAX_KEY_CHARS)] | None = None


class SteerRows(msgspec.Struct, tag_field="t", tag="rows"):
    """The reader steers a map by its table.

    Attributes:
        act: `stop` and `pause` let no more rows begin, and `stop` ends those that go on as well;
            `go_on` ends a pause; `retry` runs the failed rows again; `open` shows the run of a row.
        row: number of the row, from 0; null to show no run.
    """

    act: Literal["stop", "pause", "go_on", "retry", "open"]
    row: Number | None = None


Act: TypeAlias = Fork | Keep | Compare | Send
"""Commands that make something besides the run, and have an `outcome`."""
Command: TypeAlias = (
    Stop | Toggle | Answer | Break | Step | Rerun | StopAttempt | Act | Say | SteerRows
)
"""Messages for the run; all others are for the channel."""
ViewMessage: TypeAlias = Hello | Resync | Ack | Need | Command


def read_view_message(raw: object) -> ViewMessage | None:
    """Return the message that a view sent; None if it is unknown or malformed, which is logged at
    level debug.

    The log names the message's type and nothing else, since its content may be secret.
    """
    try:
        message: ViewMessage = msgspec.convert(raw, type=ViewMessage)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter for half of a surrogate pair
        _log.debug("ignored a message of a view that is unknown or malformed: %s", _name(raw))
        return None
    return message


def _name(raw: object) -> str:
    """Return the message's type where it looks like one, else the Python type."""
    tag = raw.get("t") if isinstance(raw, Mapping) else None
    if isinstance(tag, str) and re.fullmatch(r"[a-z_.\-]{1,32}", tag):
        return tag
    return f"<{type(raw).__name__}>"
