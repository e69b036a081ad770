"""An encoder loses what its docstring lists: all of that, and nothing else (which `test_round_trip` shows)."""

import inspect
from functools import cache
from typing import Any

import pytest
from encoders.lost import LOST, UNSAID, without
from encoders.lost_events import Events
from encoders.pictures import decoded, encoded, picture, settled

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.encoders import ENCODERS, encoder_named

START = ev.RunStart(model="gpt-x")
USAGE = ev.Usage(input=3, output=5, total=8, reasoning=2, cache_read=1, cache_write=1, cost=0.5)
SAID = [ev.TextStart(id="said"), ev.TextDelta(id="said", delta="So"), ev.TextEnd(id="said")]


def call(id_: str, name: str = "search", args: Any = None, text: str = "{}", **more: Any) -> Events:
    args = {} if args is None else args
    return [ev.ToolStart(id=id_, name=name, **more), ev.ToolArgs(id=id_, args=args, args_text=text)]


def run(*events: Any, status: Any = "completed", **end: Any) -> Events:
    return [START, *events, ev.RunEnd(status=status, **end)]


STREAMS: dict[str, Events] = {
    "texts that overlap": run(
        ev.TextStart(id="a"), ev.TextStart(id="b"), *(ev.TextDelta(id=id_, delta=id_) for id_ in "abab"),
    ),
    "thoughts that overlap": run(
        ev.ReasoningStart(id="a"), ev.ReasoningStart(id="b"), *(ev.ReasoningDelta(id=id_, delta=id_) for id_ in "abab"),
    ),
    "texts that overlap around a call": run(
        *(ev.TextStart(id=id_) for id_ in "ab"), *(ev.TextDelta(id=id_, delta=id_) for id_ in "ab"), *call("c"),
        *(ev.TextDelta(id=id_, delta=id_) for id_ in "ab"),
    ),
    "a text through steps": run(
        ev.TextStart(id="a"), ev.TextDelta(id="a", delta="a"), ev.StepStart(), ev.TextDelta(id="a", delta="b"),
        ev.TextEnd(id="a", text="other"),
    ),
    "a text around a call": run(
        ev.TextStart(id="a"), ev.TextDelta(id="a", delta="a"), *call("c"), ev.TextDelta(id="a", delta="b"),
    ),
    "a text around a thought": run(
        ev.TextStart(id="a"), ev.TextDelta(id="a", delta="a"), ev.ReasoningStart(id="t"), ev.ReasoningDelta(id="t", delta="t"),
        ev.TextDelta(id="a", delta="b"),
    ),
    "a thought around a text": run(
        ev.ReasoningStart(id="t"), ev.ReasoningDelta(id="t", delta="t"), *SAID, ev.ReasoningDelta(id="t", delta="u"),
    ),
    "two texts": run(*SAID, ev.TextStart(id="b"), ev.TextDelta(id="b", delta="b"), *call("c")),
    "an early text": run(ev.TextStart(id="a"), *SAID, ev.TextDelta(id="a", delta="a")),
    "a refusal": run(ev.TextStart(id="a", kind="refusal", phase="commentary"), ev.TextDelta(id="a", delta="No")),
    "a replaced text": run(ev.TextStart(id="a"), ev.TextDelta(id="a", delta="x"), ev.TextEnd(id="a", text="y")),
    "a text taken back": run(ev.TextStart(id="a"), ev.TextDelta(id="a", delta="x"), ev.TextEnd(id="a", text="")),
    "a replaced thought": run(
        ev.ReasoningStart(id="a"), ev.ReasoningDelta(id="a", delta="x"), ev.ReasoningEnd(id="a", text="y"),
    ),
    "a sealed thought": run(
        ev.ReasoningStart(id="a", kind="summary"), ev.ReasoningDelta(id="a", delta="x"),
        ev.ReasoningEnd(id="a", signature="s", encrypted="e"), *SAID,
    ),
    "tokens": run(*SAID, usage=USAGE),
    "few tokens": run(*SAID, usage=ev.Usage(input=1)),
    "a finish reason": run(*SAID, finish_reason="end_turn"),
    "failure": run(*SAID, ev.Error(message="no", code="500", error_type="Bad", fatal=True), status="failed", code="500"),
    "plain failure": run(*SAID, ev.Error(message="no", fatal=True), status="failed"),
    "too long": run(*SAID, status="incomplete", code="max_output_tokens", finish_reason="max_output_tokens"),
    "too long, in other words": run(*SAID, status="incomplete", code="length", finish_reason="length"),
    "cut": run(*SAID, status="incomplete", code=ev.STREAM_TRUNCATED),
    "incomplete": run(*SAID, status="incomplete"),
    "cancelled": run(*SAID, *call("c"), status="cancelled"),
    "no more steps": run(*SAID, status="max_steps"),
    "a call": run(*call("c", call_id="call_1", title="Searching", kind="hosted")),
    "a function": run(*call("c", "a (b)", kind="custom", args={"a": 1}, text='{ "a": 1}')),
    "free text": run(*call("c", args="print(1)", text="print(1)")),
    "no arguments": run(ev.ToolStart(id="c", name="search"), ev.ToolArgs(id="c", args={}, args_text="")),
    "no arguments at all": run(ev.ToolStart(id="c", name="search"), ev.ToolResult(id="c", content="r"), *SAID),
    "arguments that break off": run(ev.ToolStart(id="c", name="search"), ev.ToolArgsDelta(id="c", delta='{"a')),
    "replaced arguments": run(
        ev.ToolStart(id="c", name="search"), ev.ToolArgsDelta(id="c", delta='{"a": 1}'),
        ev.ToolArgs(id="c", args={"b": 2}, args_text='{"b": 2}'),
    ),
    "results": run(
        *call("c"), ev.ToolProgress(id="c", message="half"), ev.ToolResult(id="c", content={"a": 1}, preliminary=True),
        *call("d"), ev.ToolResult(id="d", content=None), *SAID,
    ),
    "a result": run(*call("c"), ev.ToolResult(id="c", content={"a": 1}), *SAID),
    "failed calls": run(
        *call("c"), ev.ToolResult(id="c", status="error", content=[1], error=ev.ErrorInfo(message="no")),
        *call("d", kind="hosted"), ev.ToolResult(id="d", status="denied", error=ev.ErrorInfo(message="never")), *SAID,
    ),
    "two calls of a name": run(
        *call("c"), *call("d"), ev.ToolResult(id="d", content="of d"), ev.ToolResult(id="c", content="of c"), *SAID,
    ),
    "an open request": run(
        *call("c"), ev.ApprovalRequest(approval_id="a", tool_id="c", args={"a": 1}, options=["yes"]), status="paused",
    ),
    "a request for input": run(
        ev.ApprovalRequest(approval_id="a", kind="auth", prompt="Who?", options=["me"]), status="paused",
    ),
    "an answered request": run(
        *call("c"), ev.ApprovalRequest(approval_id="a", tool_id="c", prompt="May I?"),
        ev.ApprovalResponse(approval_id="a", decision="cancel"), ev.ToolResult(id="c", content="r"), *SAID,
    ),
    "a sub-agent": run(
        *call("c"), ev.AgentStart(id="s", name="helper", tool_id="c"), ev.TextStart(id="a", parent_id="s"),
        ev.TextDelta(id="a", delta="x"), ev.TextEnd(id="a"), ev.AgentEnd(id="s", status="cancelled"),
        ev.TextStart(id="b", parent_id="c"), ev.TextDelta(id="b", delta="y"), ev.TextEnd(id="b"),
    ),
    "a text inside a call": run(*call("c"), ev.TextStart(id="a", parent_id="c"), ev.TextDelta(id="a", delta="x")),
    "hand-offs": run(ev.AgentHandoff(from_="a", to="b"), ev.AgentHandoff(from_="x", to="c"), *SAID),
    "sources": run(
        ev.Source(id="s", url="https://a.example"), ev.TextStart(id="a"), ev.TextDelta(id="a", delta="x"), ev.Source(id="t"),
    ),
    "files": run(
        ev.File(id="f", media_type="image/png", data="aGk=", name="a.png"),
        ev.File(id="f", media_type="image/png", data="aG8=", name="a.png"),
    ),
    "the rest": run(
        ev.State(snapshot={"a": 1}), ev.Status(message="Slow", level="warning"),
        ev.Error(message="Hm", code="1", error_type="T"), ev.Error(message="Hm again"),
        ev.Custom(name="mine", data=1), ev.Raw(data=1), *SAID,
    ),
}  # fmt: skip


BY_NAME = pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.system)


@cache
def again(system: str, name: str) -> Events:
    """The stream of that name, told and read."""
    return settled(decoded(encoder_named(system), encoded(encoder_named(system), STREAMS[name])))


def arrives(encoder: type[BaseEncoder], name: str, losses: frozenset[Loss]) -> bool:
    """Whether a reader sees the stream of that name, but for these losses."""
    seen = picture(without(again(encoder.system, name), encoder(), UNSAID & losses))
    return seen == picture(without(settled(STREAMS[name]), encoder(), losses))


@BY_NAME
def test_what_is_not_lost_arrives(encoder: type[BaseEncoder]) -> None:
    assert [name for name in STREAMS if not arrives(encoder, name, encoder.loses)] == []


@BY_NAME
def test_what_is_lost_does_not_arrive(encoder: type[BaseEncoder]) -> None:
    """For each loss there is a stream that shows it: were the loss not listed, more would be expected than arrives."""
    unseen = {loss for loss in encoder.loses if all(arrives(encoder, name, encoder.loses - {loss}) for name in STREAMS)}
    assert unseen == set()


@BY_NAME
def test_the_docstring_lists_the_losses(encoder: type[BaseEncoder]) -> None:
    lines = inspect.getdoc(encoder).partition("Lost on the way:")[2]  # type: ignore[union-attr]
    listed = [" ".join(entry.split()) for entry in lines.split("\n- ")[1:]]
    assert listed == [loss.value for loss in Loss if loss in encoder.loses]


def test_every_loss_is_somebodys() -> None:
    assert set().union(*(encoder.loses for encoder in ENCODERS)) == set(Loss) == set(LOST)
