"""An encoder loses exactly what its docstring lists (see also `test_round_trip`)."""

import inspect
from functools import cache
from typing import Any

from adapters.encoders.expected import FILLED_IN, REWRITES, without_lost
from adapters.encoders.normalized import EACH_ENCODER, blocks_of, decoded, encoded, normalized
from adapters.encoders.rewrites import Events
from samples import OTHER_KINDS, sample

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss, documented
from nbagent.adapters.encoders import encoder_named, encoders

START = ev.RunStart(model="gpt-x")
USAGE = ev.Usage(input=3, output=5, total=8, reasoning=2, cache_read=1, cache_write=1, cost=0.5)
TEXT = [ev.TextStart(id="text"), ev.TextDelta(id="text", delta="So"), ev.TextEnd(id="text")]


def call(id_: str, name: str = "search", args: Any = None, text: str = "{}", **more: Any) -> Events:
    args = {} if args is None else args
    return [ev.ToolStart(id=id_, name=name, **more), ev.ToolArgs(id=id_, args=args, args_text=text)]


def run(*events: Any, status: Any = "completed", **end: Any) -> Events:
    return [START, *events, ev.RunEnd(status=status, **end)]


STREAMS: dict[str, Events] = {
    "texts that overlap": run(
        ev.TextStart(id="a"),
        ev.TextStart(id="b"),
        *(ev.TextDelta(id=id_, delta=id_) for id_ in "abab"),
    ),
    "thoughts that overlap": run(
        ev.ReasoningStart(id="a"),
        ev.ReasoningStart(id="b"),
        *(ev.ReasoningDelta(id=id_, delta=id_) for id_ in "abab"),
    ),
    "texts that overlap around a call": run(
        *(ev.TextStart(id=id_) for id_ in "ab"),
        *(ev.TextDelta(id=id_, delta=id_) for id_ in "ab"),
        *call("c"),
        *(ev.TextDelta(id=id_, delta=id_) for id_ in "ab"),
    ),
    "a text through steps": run(
        ev.TextStart(id="a"),
        ev.TextDelta(id="a", delta="a"),
        ev.StepStart(),
        ev.TextDelta(id="a", delta="b"),
        ev.TextEnd(id="a", text="other"),
    ),
    "a text around a call": run(
        ev.TextStart(id="a"),
        ev.TextDelta(id="a", delta="a"),
        *call("c"),
        ev.TextDelta(id="a", delta="b"),
    ),
    "a text around a thought": run(
        ev.TextStart(id="a"),
        ev.TextDelta(id="a", delta="a"),
        ev.ReasoningStart(id="t"),
        ev.ReasoningDelta(id="t", delta="t"),
        ev.TextDelta(id="a", delta="b"),
    ),
    "a thought around a text": run(
        ev.ReasoningStart(id="t"),
        ev.ReasoningDelta(id="t", delta="t"),
        *TEXT,
        ev.ReasoningDelta(id="t", delta="u"),
    ),
    "two texts": run(*TEXT, ev.TextStart(id="b"), ev.TextDelta(id="b", delta="b"), *call("c")),
    "an early text": run(ev.TextStart(id="a"), *TEXT, ev.TextDelta(id="a", delta="a")),
    "a refusal": run(
        ev.TextStart(id="a", kind="refusal", phase="commentary"), ev.TextDelta(id="a", delta="No")
    ),
    "line breaks": run(ev.TextStart(id="a", line_breaks=True), ev.TextDelta(id="a", delta="a\nb")),
    "a replaced text": run(
        ev.TextStart(id="a"), ev.TextDelta(id="a", delta="x"), ev.TextEnd(id="a", text="y")
    ),
    "a replaced text before a call": run(
        ev.TextStart(id="a"),
        ev.TextDelta(id="a", delta="x"),
        ev.TextEnd(id="a", text="y"),
        *call("c"),
    ),
    "a text taken back": run(
        ev.TextStart(id="a"), ev.TextDelta(id="a", delta="x"), ev.TextEnd(id="a", text="")
    ),
    "a replaced thought": run(
        ev.ReasoningStart(id="a"),
        ev.ReasoningDelta(id="a", delta="x"),
        ev.ReasoningEnd(id="a", text="y"),
    ),
    "a sealed thought": run(
        ev.ReasoningStart(id="a", kind="summary"),
        ev.ReasoningDelta(id="a", delta="x"),
        ev.ReasoningEnd(id="a", signature="s", encrypted="e"),
        *TEXT,
    ),
    "a prompt": run(
        ev.Prompt(text="Hi", files=[{"media_type": "text/plain", "name": "a.txt"}]), *TEXT
    ),
    "tokens": run(*TEXT, usage=USAGE),
    "few tokens": run(*TEXT, usage=ev.Usage(input=1)),
    "a finish reason": run(*TEXT, finish_reason="end_turn"),
    "failure": run(
        *TEXT,
        ev.Error(message="no", code="500", error_type="Bad", fatal=True),
        status="failed",
        code="500",
    ),
    "plain failure": run(*TEXT, ev.Error(message="no", fatal=True), status="failed"),
    "too long": run(
        *TEXT, status="incomplete", code="max_output_tokens", finish_reason="max_output_tokens"
    ),
    "too long, in other words": run(
        *TEXT, status="incomplete", code="length", finish_reason="length"
    ),
    "cut": run(*TEXT, status="incomplete", code=ev.STREAM_TRUNCATED),
    "incomplete": run(*TEXT, status="incomplete"),
    "cancelled": run(*TEXT, *call("c"), status="cancelled"),
    "no more steps": run(*TEXT, status="max_steps"),
    "a call": run(*call("c", call_id="call_1", title="Searching", kind="hosted")),
    "a function": run(*call("c", "a (b)", kind="custom", args={"a": 1}, text='{ "a": 1}')),
    "free text": run(*call("c", args="print(1)", text="print(1)")),
    "no arguments": run(
        ev.ToolStart(id="c", name="search"), ev.ToolArgs(id="c", args={}, args_text="")
    ),
    "no arguments at all": run(
        ev.ToolStart(id="c", name="search"), ev.ToolResult(id="c", content="r"), *TEXT
    ),
    "arguments that break off": run(
        ev.ToolStart(id="c", name="search"), ev.ToolArgsDelta(id="c", delta='{"a')
    ),
    "replaced arguments": run(
        ev.ToolStart(id="c", name="search"),
        ev.ToolArgsDelta(id="c", delta='{"a": 1}'),
        ev.ToolArgs(id="c", args={"b": 2}, args_text='{"b": 2}'),
    ),
    "results": run(
        *call("c"),
        ev.ToolProgress(id="c", message="half"),
        ev.ToolOutput(id="c", delta="half"),
        ev.ToolResult(id="c", content={"a": 1}, preliminary=True),
        *call("d"),
        ev.ToolResult(id="d", content=None),
        *TEXT,
    ),
    "a result": run(*call("c"), ev.ToolResult(id="c", content={"a": 1}), *TEXT),
    "failed calls": run(
        *call("c"),
        ev.ToolResult(id="c", status="error", content=[1], error=ev.ErrorInfo(message="no")),
        *call("d", kind="hosted"),
        ev.ToolResult(id="d", status="denied", error=ev.ErrorInfo(message="never")),
        *TEXT,
    ),
    "two calls of a name": run(
        *call("c"),
        *call("d"),
        ev.ToolResult(id="d", content="of d"),
        ev.ToolResult(id="c", content="of c"),
        *TEXT,
    ),
    "an open request": run(
        *call("c"),
        ev.ApprovalRequest(
            approval_id="a", tool_id="c", args={"a": 1}, options=["yes"], can_remember=True
        ),
        status="paused",
    ),
    "a request for input": run(
        ev.ApprovalRequest(approval_id="a", kind="auth", prompt="Who?", options=["me"]),
        status="paused",
    ),
    "an answered request": run(
        *call("c"),
        ev.ApprovalRequest(approval_id="a", tool_id="c", prompt="May I?"),
        ev.ApprovalResponse(approval_id="a", decision="cancel"),
        ev.ToolResult(id="c", content="r"),
        *TEXT,
    ),
    "an answer for good": run(
        *call("c"),
        ev.ApprovalRequest(approval_id="a", tool_id="c", can_remember=True),
        ev.ApprovalResponse(approval_id="a", decision="approve", value={"a": 2}, remember=True),
        ev.ToolResult(id="c", content="r"),
        *TEXT,
    ),
    "a sub-agent": run(
        *call("c"),
        ev.AgentStart(id="s", name="helper", tool_id="c"),
        ev.TextStart(id="a", parent_id="s"),
        ev.TextDelta(id="a", delta="x"),
        ev.TextEnd(id="a"),
        ev.AgentEnd(id="s", status="cancelled"),
        ev.TextStart(id="b", parent_id="c"),
        ev.TextDelta(id="b", delta="y"),
        ev.TextEnd(id="b"),
    ),
    "a text inside a call": run(
        *call("c"), ev.TextStart(id="a", parent_id="c"), ev.TextDelta(id="a", delta="x")
    ),
    "hand-offs": run(ev.AgentHandoff(from_="a", to="b"), ev.AgentHandoff(from_="x", to="c"), *TEXT),
    "sources": run(
        ev.Source(id="s", url="https://a.example"),
        ev.TextStart(id="a"),
        ev.TextDelta(id="a", delta="x"),
        ev.Source(id="t"),
    ),
    "files": run(
        ev.File(id="f", media_type="image/png", data="aGk=", name="a.png"),
        ev.File(id="f", media_type="image/png", data="aG8=", name="a.png"),
    ),
    "the rest": run(
        ev.State(snapshot={"a": 1}),
        ev.Rows(id="rows", summary="1 / 1", notices=[], cells=[], total=1),
        ev.Status(message="Slow", level="warning"),
        ev.Error(message="Hm", code="1", error_type="T"),
        ev.Error(message="Hm again"),
        ev.Custom(name="mine", data=1),
        ev.Raw(data=1),
        *(sample(kind.event, "x") for kind in OTHER_KINDS),
        *TEXT,
    ),
}


@cache
def round_trip(system: str, name: str) -> Events:
    """Return the stream of that name, encoded and decoded."""
    return normalized(decoded(encoder_named(system), encoded(encoder_named(system), STREAMS[name])))


@cache
def plain(name: str) -> Events:
    """Return the stream of that name."""
    return normalized(STREAMS[name])


def arrives(encoder: type[BaseEncoder], name: str, losses: frozenset[Loss]) -> bool:
    """Return True if a client sees the stream of that name, except for these losses."""
    seen = blocks_of(without_lost(round_trip(encoder.system, name), encoder(), FILLED_IN & losses))
    return seen == blocks_of(without_lost(plain(name), encoder(), losses))


shown_by: dict[Loss, str] = {}
"""The stream that has shown a loss last: of another encoder it often shows it too."""


def is_shown(encoder: type[BaseEncoder], loss: Loss) -> bool:
    """Return True if a stream shows a loss: without the loss, more would be expected than
    arrives.
    """
    for name in sorted(STREAMS, key=lambda name: name != shown_by.get(loss)):
        if not arrives(encoder, name, encoder.loses - {loss}):
            shown_by[loss] = name
            return True
    return False


@EACH_ENCODER
def test_what_is_not_lost_arrives(encoder: type[BaseEncoder]) -> None:
    assert [name for name in STREAMS if not arrives(encoder, name, encoder.loses)] == []


@EACH_ENCODER
def test_what_is_lost_does_not_arrive(encoder: type[BaseEncoder]) -> None:
    assert {loss for loss in encoder.loses if not is_shown(encoder, loss)} == set()


@EACH_ENCODER
def test_the_docstring_lists_the_losses(encoder: type[BaseEncoder]) -> None:
    summary, _, losses = (inspect.getdoc(encoder) or "").partition("\n\nLoses:\n\n")
    assert summary
    assert losses.splitlines() == [f"- {loss}" for loss in Loss if loss in encoder.loses]


def test_losses_are_documented_without_docstrings_too() -> None:
    # python -OO
    assert (
        documented(None, frozenset({Loss.RAW, Loss.MODEL})) == "Loses:\n\n- model name\n- raw items"
    )


def test_every_loss_is_used_and_has_a_rewrite() -> None:
    assert set().union(*(encoder.loses for encoder in encoders())) == set(Loss) == set(REWRITES)
