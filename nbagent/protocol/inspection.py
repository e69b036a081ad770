"""The questions of the view's inspector, and the kernel's answers, as JSON.

A question is asked like a page of a large value: it is the `name` of a `need` message, and its
answer is the `part`'s text.

    events/QUESTION       an `EventsAnswer`; QUESTION is an `EventsQuestion`
    event/NUMBER          the event as JSON
    timeline              a `TimelineAnswer` with the newest bars
    timeline/NUMBER       the same with the bars before the one of that number
    copy/markdown         the transcript as Markdown
    copy/json             the transcript as JSON
    copy/python           the transcript as Python
    requests/NUMBER       a `RequestsAnswer`, from the request of that number on
    request/NUMBER        a `RequestDetail`
    request/NUMBER/PART   a part of a request: `response` as text, all others as JSON;
                          `body` is all of it
    request/NUMBER/form   a `ForkForm` of all of its fields
    fork/BLOCK            a `ForkForm` of the call that the block shows
    fork-request/NUMBER   the same of a request
    past/AFTER-TO         a `PastAnswer`: what the events behind number AFTER, up to TO, did
    past/NUMBER/NAME      a large value as event NUMBER has left it; 0 for the ops of an
                          opening
    rows/QUESTION         a `RowsAnswer` about the rows of a map; QUESTION is a `RowsQuestion`
"""

from typing import Any, Literal, TypeAlias

import msgspec

from nbagent.protocol.ops import WireOp
from nbagent.protocol.parts import Usage

PartKind: TypeAlias = Literal["instructions", "message", "tool", "format", "settings", "response"]
BarKind: TypeAlias = Literal["step", "text", "reasoning", "tool", "agent", "approval"]
RowFilter: TypeAlias = Literal[
    "",
    "failed",
    "tools_failed",
    "asking",
    "slow",
    "different_answers",
    "different_scores",
    "tool",
]


class EventsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question about the events of a run.

    Attributes:
        at: the first row, from 0.
        type: tag of the events, or of a family: `tool.*`; empty for any.
        text: text that the events' JSON must contain, in upper or lower case.
        block: id of the block that they must belong to.
        kind: that block's kind.
        fold: true to get one row for the deltas of a block that follow each other, with no other
            event but deltas between.
    """

    at: int = 0
    type: str = ""
    text: str = ""
    block: str = ""
    kind: str = ""
    fold: bool = False


class EventsAnswer(msgspec.Struct, kw_only=True):
    """The events that match a question.

    Attributes:
        total: number of matches so far; of rows, if deltas are folded.
        seen: number of the last event that was searched; if it is less than `count`, the view asks
            again.
        count: number of events in all.
        types: number of events by their tag.
        rows: the matches from row `at` on, as many as fit: number (from 1), time in seconds since
            the epoch, tag, summary. The row of an event that is no longer kept is its number alone.
            The row of folded deltas is that of the first, with the beginning of their text.
    """

    total: int
    seen: int
    count: int
    types: dict[str, int]
    rows: list[list[Any]]


class Carried(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Cost of a call's result in all requests to the model that send it.

    Attributes:
        tokens: in all of them together, an estimate.
        requests: number of them.
        cost: in US dollars; absent if the model's prices are not known.
    """

    tokens: int
    requests: int
    cost: float | None = None


class Bar(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A bar of the timeline: a step, a text, a thought, a tool call, an agent at work, or a
    question to the reader.

    Times are seconds since the epoch.

    Attributes:
        kind: kind of the bar.
        label: its name.
        start: when it began.
        end: when it ended; absent if it has not.
        ready: of a tool call: when its arguments were complete and it began to run.
        first: of a step: when its first token came, or the complete arguments of a call.
        waited: of a tool call and of an agent: seconds of it for which it waited for the reader.
        status: of a tool call: `ok`, `error` or `denied`; of an agent: how it ended; of a question:
            the decision.
        usage: of a step: its tokens and cost, as far as they are known.
        carried: of a tool call: what its result costs in later requests; absent if none sent it.
        block: id of its block; absent for a step and a question.
    """

    kind: BarKind
    label: str
    start: float
    end: float | None = None
    ready: float | None = None
    first: float | None = None
    waited: float | None = None
    status: str | None = None
    usage: Usage | None = None
    carried: Carried | None = None
    block: str | None = None


class TimelineAnswer(msgspec.Struct, kw_only=True):
    """The timeline of a run. Times are seconds since the epoch.

    Attributes:
        start: when the run began; null before its first event.
        end: when it ended; before, when the last event came.
        first_token: when the first piece of a text, a thought or a tool's arguments came, of a chat
            in its last answer; null before.
        gap_count: number of gaps in all.
        gap_seconds: seconds of all gaps together.
        gaps: the newest periods without an event: start and end. Those that waited for the reader
            are none.
        steps: number of the steps that are kept.
        by_requests: true if the steps are the requests to the model, because the stream has fewer.
        left_out: number of older bars that are no longer kept.
        total: number of bars in all.
        to: number of the bar after the newest one of this answer, from 0: `total`, or that of the
            question.
        seen: number of the last event in the timeline; if it is less than `count`, the view asks
            again.
        count: number of events in all.
        bars: the bars, the newest first, as many as fit.
    """

    start: float | None
    end: float
    first_token: float | None
    gap_count: int
    gap_seconds: float
    gaps: list[tuple[float, float]]
    steps: int
    by_requests: bool
    left_out: int
    total: int
    to: int
    seen: int
    count: int
    bars: list[Bar]


class RequestRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A request to a model, in a list.

    Attributes:
        number: of the request in the run, from 1.
        step: that it belongs to, from 1.
        agent: name of the agent or the lane that sent it; absent if there is only one.
        model: its name; empty if the request does not have one.
        started: time at which it was sent, in seconds since the epoch.
        seconds: until the end of the response; absent before.
        status: HTTP status; absent before the response.
        problem: reason for which the exchange broke; absent if it did not.
        input: its tokens.
        estimated: true if they are an estimate.
        output: tokens of the response; absent if it does not report them.
        changes: description of what is new since the request before it.
    """

    number: int
    step: int
    model: str
    started: float
    input: int
    changes: str
    agent: str | None = None
    seconds: float | None = None
    status: int | None = None
    problem: str | None = None
    estimated: bool = False
    output: int | None = None


class RequestsAnswer(msgspec.Struct, kw_only=True):
    """The requests of a run.

    Attributes:
        last: number of the newest request; 0 if there is none.
        rows: requests from the number that was asked for on, as many as fit.
    """

    last: int
    rows: list[RequestRow]


class RequestPart(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A part of a request.

    Attributes:
        kind: kind of the part.
        part: its name in questions, after the request's.
        label: the role of a message, the name of a tool.
        head: beginning of its text.
        size: characters of it.
        tokens: of it, an estimate; absent of settings and of the response.
        new: true if the request before it in its conversation did not have it.
    """

    kind: PartKind
    part: str
    label: str
    size: int
    head: str = ""
    tokens: int | None = None
    new: bool = False


class RequestDetail(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request.

    Attributes:
        row: its figures.
        url: its address, without credentials.
        hidden: why its parts are not shown; absent if they are.
        earlier: tokens of the messages that the service itself added.
        can_send: true if it can be sent again, by the client that sent it.
        parts: in the order in which a reader looks at them.
    """

    row: RequestRow
    url: str
    hidden: str | None = None
    earlier: int | None = None
    can_send: bool = False
    parts: list[RequestPart]


class ForkForm(msgspec.Struct):
    """A form for a fork, or for the fields of a request.

    Attributes:
        text: the values that it begins with, as JSON text, because a browser's numbers lose digits.
        schema: JSON Schema of an object, whose properties are what may be changed.
    """

    text: str
    schema: dict[str, Any]


class PastAnswer(msgspec.Struct, kw_only=True):
    """Effect of a stretch of events on the transcript: as many steps as fit, one for each event.

    Attributes:
        count: number of events in all.
        first: number of the first event. It is greater than what was asked for if events before it
            are no longer kept.
        opening: the ops that build the transcript before that event; empty if the answer goes on
            where another one ended.
        tags: the tags of the events, each once.
        types: of each event, the index of its tag.
        times: of each event, milliseconds since the event before it in this answer; of the first,
            since the epoch.
        steps: of each event, its ops; or a text, if it only appends that to the field that the step
            before has appended to.
    """

    count: int
    first: int
    opening: list[WireOp]
    tags: list[str]
    types: list[int]
    times: list[int]
    steps: list[Any]


class RowsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question about the rows of a map.

    Attributes:
        at: the first row of the answer, from 0, among those that fit.
        rows: number of rows.
        sort: column by which they are sorted: a field of `TableRow`, or a check as `scores/NAME`;
            empty for their own order.
        down: true for the greatest value first.
        filter: which rows fit: those that failed; those with calls of tools that failed; those that
            wait for the reader; the slowest tenth of those that ended; those of items whose rows
            have different answers, or different values of a check; or those that called a tool.
            Empty for all.
        tool: name of the tool, for the filter `tool`.
        text: text that the label, the item, the answer or the error must contain, in upper or lower
            case.
    """

    at: int = 0
    rows: int = 100
    sort: str = ""
    down: bool = False
    filter: RowFilter = ""
    tool: str = ""
    text: str = ""


class TableRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A row of a map, as a table shows it. Long texts are cut.

    Attributes:
        row: its number, from 0.
        label: of the item, with the names of the agent and the repetition where there are several.
        item: the question, or the record that its prompt is made of.
        answer: so far; of a row that failed, the error.
        status: `waiting`, `running`, or how it ended.
        asks: true if it waits for the reader.
        restored: true if it is of an earlier execution.
        tools_failed: number of its calls of tools that failed.
        tokens: of prompts and answers together.
        seconds: that it took so far.
        cost: in US dollars.
        scores: values of the checks, in the order of `RowsProps.scores`.
    """

    row: int
    label: str
    item: str
    answer: str = ""
    status: str
    asks: bool = False
    restored: bool = False
    tools_failed: int = 0
    tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None
    scores: list[Any] = []


class RowsAnswer(msgspec.Struct, kw_only=True):
    """The rows of a map that fit a question.

    Attributes:
        version: of the table, as in its props.
        total: number of rows that fit.
        rows: the rows from `at` on, as many as fit into a message.
    """

    version: int
    total: int
    rows: list[TableRow]
