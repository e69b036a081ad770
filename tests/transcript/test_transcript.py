"""Events in, blocks and ops out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader import play
from samples import sample

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.protocol.blocks import RunProps
from nbagent.pump import Outbox
from nbagent.render.durations import worked
from nbagent.render.labels import run_label
from nbagent.transcript import Op, Transcript
from nbagent.transcript.pace import WordCount

GOLDEN = Path(__file__).parents[1] / "golden"


def reduced(events: Sequence[e.Envelope]) -> tuple[Transcript, list[Op]]:
    transcript = Transcript("test", started=100.0)
    ops, shown = transcript.opening(), transcript.root.snapshot()
    for event in events:
        ops += transcript.feed(cast(e.Event, event))
    return transcript, [*ops, *transcript.counters(shown)]


def block(events: Sequence[e.Envelope], id: str) -> dict[str, Any]:
    transcript, _ = reduced(events)
    return next(block for block in transcript.snapshot() if block["id"] == id)


def test_deltas_grow_a_text_and_the_end_replaces_it() -> None:
    text = [
        e.TextStart(id="t"),
        e.TextDelta(id="t", delta="Helo"),
        e.TextDelta(id="t", delta=" you"),
    ]
    assert block([*text], "t")["text"] == "Helo you"
    assert block([*text, e.TextEnd(id="t", text="Hello you")], "t")["text"] == "Hello you"


def test_a_delta_without_a_start_opens_its_block() -> None:
    assert block([e.TextDelta(id="t", delta="late")], "t")["text"] == "late"
    assert block([e.ToolArgsDelta(id="c", delta="{")], "c")["kind"] == "tool"


def test_a_tool_call_goes_through_its_states() -> None:
    start = e.ToolStart(id="c", name="load", ts=101.0)
    args = e.ToolArgs(id="c", args={"year": 2025}, args_text='{"year": 2025}', ts=102.0)
    assert block([start], "c")["state"] == "input-streaming"
    assert block([start, args], "c")["state"] == "input-available"
    done = block([start, args, e.ToolResult(id="c", content=[1, 2], ts=103.0)], "c")
    assert (done["state"], done["ended"], done["result"]) == (
        "output-available",
        103.0,
        {"application/json": [1, 2]},
    )


def test_a_call_without_content_has_no_result() -> None:
    done = block([e.ToolStart(id="c", name="f"), e.ToolResult(id="c")], "c")
    assert done["state"] == "output-available"
    assert not done.keys() & {"result", "summary"}


@pytest.mark.parametrize("content", [0, "", False, []])
def test_a_falsy_result_is_a_result(content: Any) -> None:
    done = block([e.ToolStart(id="c", name="f"), e.ToolResult(id="c", content=content)], "c")
    assert done["state"] == "output-available"
    assert list(done["result"].values()) == [content]


def test_a_text_result_that_is_json_shows_as_json_too() -> None:
    done = block([e.ToolStart(id="c", name="f"), e.ToolResult(id="c", content='{"a": 1}')], "c")
    assert done["result"] == {"application/json": {"a": 1}, "text/plain": '{"a": 1}'}


def test_a_failed_tool_carries_its_error_and_is_counted() -> None:
    failed = [
        e.ToolStart(id="c", name="f"),
        e.ToolResult(id="c", status="error", error=e.ErrorInfo(message="no", type="OSError")),
    ]
    assert block(failed, "c")["error"] == {"type": "OSError", "message": "no", "traceback": None}
    assert block(failed, "c")["state"] == "output-error"
    assert block(failed, "run")["tools_failed"] == 1


def test_a_stream_that_dies_leaves_nothing_running() -> None:
    events = [
        e.ReasoningStart(id="r"),
        e.TextStart(id="t"),
        e.TextDelta(id="t", delta="half an ans"),
        e.ToolStart(id="c", name="f"),
        e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED),
    ]
    transcript, _ = reduced(events)
    assert all(each["closed"] for each in transcript.snapshot())
    assert block(events, "c")["state"] == "cancelled"
    assert block(events, "t")["text"] == "half an ans"
    assert block(events, "run")["status"] == "incomplete"


def test_a_call_announced_but_not_run_here_is_no_failure() -> None:
    events = [
        e.ToolStart(id="c", name="f"),
        e.ToolArgs(id="c", args={}, args_text="{}"),
        e.RunEnd(status="completed"),
    ]
    assert block(events, "c")["state"] == "input-available"


def test_usage_is_summed_over_steps_and_the_runs_own_total_wins() -> None:
    steps = [
        e.StepEnd(usage=e.Usage(input=10, output=1)),
        e.StepEnd(usage=e.Usage(input=20, output=2)),
    ]
    assert block([*steps], "run")["usage"] == {"input": 30, "output": 3}
    assert block([*steps, e.RunEnd(status="completed", usage=e.Usage(input=31))], "run")[
        "usage"
    ] == {"input": 31}


def answer(
    began: float, *events: e.Event, tokens: int, ended: float, status: e.RunStatus = "completed"
) -> list[e.Event]:
    """Return an answer of a chat: its first token comes half a second after its start."""
    usage = e.UsageUpdate(usage=e.Usage(output=tokens), mode="add", scope="run", ts=ended)
    first = e.TextDelta(id=f"t{began}", delta="x", ts=began + 0.5)
    return [
        e.RunStart(ts=began),
        e.Prompt(text="?", ts=began),
        *events,
        first,
        usage,
        e.RunEnd(status=status, ts=ended),
    ]


def chat(*events: e.Event) -> dict[str, Any]:
    transcript = Transcript("chat", started=0.0, props=RunProps(status="completed", turns=0))
    for event in events:
        transcript.feed(event)
    return transcript.snapshot()[0]


def test_each_answer_of_a_chat_has_its_own_clock_first_token_and_speed() -> None:
    first, second = answer(100.0, tokens=60, ended=101.5), answer(200.0, tokens=120, ended=202.5)
    root = chat(*first)
    assert (root["started"], root["ended"], root["first_token"], root["speed"]) == (
        100.0,
        101.5,
        0.5,
        60.0,
    )
    root = chat(*first, *second[:2])
    assert (root["started"], root["ended"], root["first_token"], root["speed"], root["words"]) == (
        200.0,
        None,
        None,
        None,
        0,
    )
    root = chat(*first, *second)
    assert (root["ended"], root["first_token"], root["speed"], root["words"]) == (
        202.5,
        0.5,
        60.0,
        1,
    )
    assert root["usage"]["output"] == 180


def test_the_speed_leaves_out_tools_waiting_and_the_time_before_the_first_token() -> None:
    events = [
        e.ToolArgsDelta(id="c", delta="{}", ts=102.0),
        e.ToolArgs(id="c", args={}, ts=103.0),
        e.ApprovalRequest(approval_id="a", tool_id="c", ts=103.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=163.0),
        e.ToolProgress(id="c", ts=163.0),
        e.ToolStart(id="d", name="g", ts=164.0),
        e.ToolResult(id="c", ts=165.0),
        e.ToolResult(id="d", ts=166.0),
        e.RunEnd(status="completed", usage=e.Usage(output=40), ts=167.0),
    ]
    assert block(events, "run")["speed"] == 40 / 2  # from 102 to 103, and from 166 to 167


def test_what_the_reader_thinks_is_no_time_of_the_calls_and_agents_around_a_question() -> None:
    events = [
        e.ToolStart(id="outer", name="ask", ts=100.0),
        e.ToolArgs(id="outer", args={}, ts=100.0),
        e.AgentStart(id="agent", name="helper", parent_id="outer", ts=100.0),
        e.ToolStart(id="inner", name="f", parent_id="agent", ts=101.0),
        e.ToolArgs(id="inner", args={}, ts=101.0),
        e.ApprovalRequest(approval_id="a", tool_id="inner", ts=102.0),
        e.ApprovalRequest(approval_id="b", tool_id="inner", ts=103.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=110.0),
    ]
    asked = {id: block(events, id) for id in ("run", "outer", "agent", "inner")}
    assert {id: each["waits_since"] for id, each in asked.items()} == dict.fromkeys(asked, 102.0)
    events += [
        e.ApprovalResponse(approval_id="b", decision="approve", ts=162.0),
        e.ToolResult(id="inner", ts=163.0),
    ]
    events += [e.AgentEnd(id="agent", ts=163.0), e.ToolResult(id="outer", ts=164.0)]
    assert {
        id: (block(events, id)["waited"], block(events, id)["waits_since"]) for id in asked
    } == dict.fromkeys(asked, (60.0, None))
    assert worked(block(events, "inner"), "args_done") == 2.0
    assert worked(block(events, "outer"), "args_done") == 4.0


def test_a_wait_ends_with_its_call_and_with_the_run() -> None:
    asked = [
        e.ToolStart(id="c", name="f", ts=101.0),
        e.ApprovalRequest(approval_id="a", tool_id="c", ts=102.0),
    ]
    assert block([*asked, e.ToolResult(id="c", ts=105.0)], "run")["waited"] == 3.0
    assert block([*asked, e.RunEnd(status="cancelled", ts=106.0)], "run")["waited"] == 4.0


def test_a_call_that_begins_after_its_permission_has_waited_for_nobody() -> None:
    events = [
        e.ToolStart(id="c", name="f", ts=101.0),
        e.ApprovalRequest(approval_id="a", tool_id="c", ts=102.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=162.0),
        e.ToolProgress(id="c", ts=162.0),
        e.ToolResult(id="c", ts=163.0),
    ]
    assert worked(block(events, "c"), "args_done") == 1.0


def test_the_question_of_an_attempt_is_no_time_of_the_first_call() -> None:
    events = [
        e.ToolStart(id="c", name="f", ts=101.0),
        e.ToolStart(id="again", name="f", parent_id="c", attempt_of="c", ts=102.0),
        e.ApprovalRequest(approval_id="a", tool_id="again", ts=103.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=104.0),
    ]
    assert block(events, "again")["waited"] == 1.0
    assert "waited" not in block(events, "c")
    assert "waited" not in block(events, "run")


def test_a_cut_answer_knows_the_tokens_of_its_last_step() -> None:
    steps = [
        e.StepStart(),
        e.StepEnd(usage=e.Usage(output=300)),
        e.StepStart(),
        e.StepEnd(usage=e.Usage(output=12)),
    ]
    end = e.RunEnd(status="incomplete", code="length")
    assert block([*steps, end], "run")["last_output"] == 12
    assert (
        block([e.StepStart(), msgspec.structs.replace(end, usage=e.Usage(output=7))], "run")[
            "last_output"
        ]
        == 7
    )
    several = [e.StepStart(), e.StepStart(), msgspec.structs.replace(end, usage=e.Usage(output=7))]
    assert "last_output" not in block(several, "run")


def test_an_answer_of_a_chat_that_is_not_whole_is_marked_where_it_stops() -> None:
    transcript = Transcript("chat", props=RunProps(status="completed", turns=0))
    for event in (
        *answer(1.0, tokens=9, ended=2.0, status="incomplete"),
        *answer(3.0, tokens=5, ended=4.0),
    ):
        transcript.feed(event)
    kinds = [each["kind"] for each in transcript.snapshot()]
    assert kinds == ["run", "prompt", "text", "status", "prompt", "text"]
    mark = transcript.snapshot()[3]
    assert (mark["status"], mark["last_output"], mark["closed"]) == ("incomplete", 9, True)


def test_going_back_twice_leaves_two_earlier_versions() -> None:
    turns = [event for began in (1.0, 3.0) for event in answer(began, tokens=1, ended=began + 1)]
    assert chat(*turns, e.Rewind(prompt=1))["versions"] == 1
    assert chat(*turns, e.Rewind(prompt=2), e.Prompt(text="?"), e.Rewind(prompt=1))["versions"] == 2
    assert "versions" not in chat(*turns, e.Rewind(prompt=9))


def test_earlier_answers_that_are_read_from_a_store_have_no_times() -> None:
    earlier: list[e.Event] = [
        e.RunStart(ts=1.0),
        e.ToolStart(id="c", name="f", ts=1.0),
        e.ToolResult(id="c", ts=1.0),
    ]
    root = chat(*earlier, e.RunEnd(status="completed", meta={"untimed": True}, ts=1.1))
    assert (root["untimed"], run_label(root)) == (True, "Ready")
    again = chat(
        *earlier,
        e.RunEnd(status="completed", meta={"untimed": True}, ts=1.1),
        *answer(5.0, tokens=1, ended=6.0),
    )
    assert (again["untimed"], run_label(again)) == (False, "Done in 1.0s")


def test_an_agent_counts_the_calls_in_it_and_those_that_failed() -> None:
    events = [
        e.AgentStart(id="lane-1", name="row 1"),
        e.AgentStart(id="sub", name="helper", parent_id="lane-1"),
        e.ToolStart(id="c", name="f", parent_id="sub"),
        e.ToolResult(id="c", status="error"),
        e.ToolStart(id="d", name="f", parent_id="lane-1"),
    ]
    lane, sub = block(events, "lane-1"), block(events, "sub")
    assert (lane["tools"], lane["tools_failed"], sub["tools"], sub["tools_failed"]) == (2, 1, 1, 1)


@given(st.lists(st.sampled_from(["a", "b", " ", "\n", "é", "你", "カ", ".", "1"])), st.data())
def test_words_are_counted_the_same_however_a_text_is_cut(
    characters: list[str], data: st.DataObject
) -> None:
    whole, pieces = WordCount(), WordCount()
    text = "".join(characters)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    if text:
        whole.add("t", text)
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        if piece := text[begin:end]:
            pieces.add("t", piece)
    assert pieces.total == whole.total


def test_words_of_a_language_without_spaces_are_its_characters() -> None:
    count = WordCount()
    count.add("t", "two words, 三個字")
    assert count.total == 5


def test_cumulative_usage_within_a_step_replaces() -> None:
    growing = [e.UsageUpdate(scope="step", usage=e.Usage(output=count)) for count in (1, 5, 9)]
    assert block([*growing, e.StepEnd()], "run")["usage"] == {"output": 9}


def test_an_approval_marks_its_tool() -> None:
    asked = [
        e.ToolStart(id="c", name="rm"),
        e.ApprovalRequest(approval_id="a", tool_id="c", prompt="sure?"),
    ]
    assert block(asked, "c")["state"] == "approval-requested"
    answered = [*asked, e.ApprovalResponse(approval_id="a", decision="deny")]
    assert block(answered, "c")["state"] == "approval-responded"
    assert block(answered, "approval:a")["decision"] == "deny"


def test_children_hang_under_their_parent() -> None:
    events = [
        e.AgentStart(id="sub", name="helper"),
        e.TextStart(id="t", parent_id="sub"),
        e.TextDelta(id="t", delta="x"),
    ]
    assert block(events, "t")["parent"] == "sub"


def test_a_second_run_end_changes_nothing() -> None:
    ended = [e.RunEnd(status="completed"), e.RunEnd(status="failed")]
    assert block(ended, "run")["status"] == "completed"


def test_what_a_browser_cannot_parse_never_leaves() -> None:
    odd = block(
        [e.Custom(name="x", data={"nan": float("nan"), "half": "\ud83d", "deep": {1: {2}}})],
        "custom:1",
    )
    assert json.loads(json.dumps(odd["data"], allow_nan=False)) == {
        "nan": None,
        "half": "\ufffd",
        "deep": {"1": [2]},
    }


def test_an_id_that_is_no_unicode_can_be_sent() -> None:
    half = "\ud83d"
    transcript = Transcript()
    start = e.TextStart(id=half)
    events: list[e.Event] = [
        e.ToolStart(id=half + "t", name="f"),
        start,
        e.TextDelta(id=half, delta="x", parent_id=half + "t"),
    ]
    events += [e.ApprovalRequest(approval_id=half, kind="tool", tool_id=half + "t")]
    ops = [*transcript.opening(), *(op for event in events for op in transcript.feed(event))]
    json.dumps(ops, ensure_ascii=False).encode()
    assert list(play(ops).values())[2]["text"] == "x"


class StrSubclass(str):
    """A subclass of `str`, as some libraries return."""


ODD: dict[str, Any] = {
    "nan": float("nan"),
    "half": "\ud83d",
    "id": 2**53 + 1,
    "huge": 10**5000,
    "word": StrSubclass("w"),
    "deep": [[]],
    "object": object(),
    "\udc00": 1,
}


def test_whatever_events_hold_every_op_and_block_is_json() -> None:
    odd: Any = ODD
    text = "half a pair \ud83d"
    events = [
        e.RunStart(name=text, model=text),
        e.TextDelta(id="t", delta=text),
        e.TextDelta(id="t", delta=StrSubclass("word")),
        e.TextEnd(id="t", text=text),
        e.ReasoningEnd(id="r", text=text),
        e.ToolStart(id="c", name=text, call_id=text, title=text),
        e.ToolArgs(id="c", args=odd, args_text=text),
        e.ToolProgress(id="c", message=text, progress=float("nan"), total=float("inf")),
        e.ApprovalRequest(
            approval_id="a", tool_id="c", prompt=text, args=odd, options=[text], schema=odd
        ),
        e.ApprovalResponse(approval_id="a", decision="deny", reason=text),
        e.ToolResult(id="c", content=odd, error=e.ErrorInfo(message=text, traceback=text)),
        e.ToolResult(id="d", content='{"a": "' + text + '", "id": 9007199254740993}'),
        e.ToolResult(id="f", display=e.Display(summary=text, data={"application/json": odd})),
        e.AgentHandoff(to=text, from_=text),
        e.UsageUpdate(usage=e.Usage(input=7, cost=float("nan"))),
        e.Source(id="s", url=text, title=text),
        e.File(id="file", media_type=text, name=text),
        e.State(snapshot=odd),
        e.Status(message=text),
        e.Error(message=text, code=odd, traceback=text),
        e.Custom(name=text, data=odd),
        e.Raw(data=odd),
        *(sample(kind.event, text) for kind in KINDS),
        e.RunEnd(status="failed", finish_reason=text, code=text),
    ]
    transcript, ops = reduced(events)
    outbox = Outbox()
    outbox.feed(ops)
    for batch in (ops, transcript.snapshot(), transcript.opening(), outbox.drain(10**6)):
        sent = json.dumps(batch, ensure_ascii=False, allow_nan=False).encode()
        # a browser has one kind of number
        assert json.loads(sent, parse_int=float) == json.loads(sent)


def test_one_id_for_two_kinds_of_thing_loses_neither() -> None:
    events = [
        e.ReasoningDelta(id="0", delta="thought"),
        e.TextDelta(id="0", delta="text"),
        e.ToolStart(id="run", name="f"),
        e.TextEnd(id="0", text="the text"),
    ]
    assert block(events, "0")["text"] == "thought"
    assert block(events, "text:0")["text"] == "the text"
    assert block(events, "tool:run")["name"] == "f"
    assert block(events, "run")["kind"] == "run"


def test_a_start_that_comes_twice_takes_nothing_back() -> None:
    events = [
        e.ToolStart(id="c", name="f"),
        e.ToolArgsDelta(id="c", delta="{"),
        e.ToolStart(id="c", name="load"),
    ]
    assert (block(events, "c")["name"], block(events, "c")["args_text"]) == ("load", "{")
    assert block(events, "run")["tools"] == 1


IDS = st.sampled_from(["a", "b", "c"])
EVENTS: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.TextStart, id=IDS.map("t".__add__)),
    st.builds(e.TextDelta, id=IDS.map("t".__add__), delta=st.text(max_size=4)),
    st.builds(e.TextEnd, id=IDS.map("t".__add__), text=st.none() | st.text(max_size=6)),
    st.builds(e.ReasoningDelta, id=IDS.map("r".__add__), delta=st.text(max_size=4)),
    st.builds(e.ReasoningEnd, id=IDS.map("r".__add__)),
    st.builds(e.ToolStart, id=IDS.map("c".__add__), name=st.just("f")),
    st.builds(e.ToolArgsDelta, id=IDS.map("c".__add__), delta=st.text(max_size=4)),
    st.builds(e.ToolArgs, id=IDS.map("c".__add__), args=st.just({}), args_text=st.text(max_size=4)),
    st.builds(
        e.ToolResult,
        id=IDS.map("c".__add__),
        status=st.sampled_from(["ok", "error", "denied"]),
        content=st.integers(),
    ),
    st.builds(e.Status, message=st.text(max_size=3)),
    st.builds(e.UsageUpdate, usage=st.builds(e.Usage, input=st.integers(0, 9))),
    st.builds(e.RunEnd, status=st.sampled_from(["completed", "cancelled"])),
)


@given(st.lists(EVENTS, max_size=30), st.data())
def test_however_the_ops_are_batched_the_view_shows_the_snapshot(
    events: list[e.Event], data: st.DataObject
) -> None:
    transcript, ops = reduced(events)
    outbox, batches = Outbox(), []
    for op in ops:
        outbox.feed([op])
        if data.draw(st.booleans()):
            batches += outbox.drain(max_bytes=data.draw(st.integers(1, 80)))
    while outbox:
        batches += outbox.drain()
    assert list(play(batches).values()) == transcript.snapshot()
    # a face that comes late sees the same
    assert list(play(transcript.opening()).values()) == transcript.snapshot()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_the_golden_corpus_that_the_view_reads_too(path: Path) -> None:
    golden = json.loads(path.read_text())
    transcript, ops = reduced([e.from_dict(event) for event in golden["events"]])
    assert json.loads(json.dumps(ops)) == golden["ops"]
    assert json.loads(json.dumps(transcript.snapshot())) == golden["blocks"]


def test_a_call_that_waited_for_another_runs_from_when_it_began() -> None:
    call = [
        e.ToolStart(id="c", name="f", ts=101.0),
        e.ToolArgs(id="c", args={}, args_text="{}", ts=102.0),
    ]
    assert block([*call, e.ToolProgress(id="c", ts=105.0)], "c")["args_done"] == 105.0


def test_an_agent_that_starts_again_while_it_is_open_is_named_anew() -> None:
    starts = [
        e.AgentStart(id="a", name="create 1", ts=101.0),
        e.AgentStart(id="a", name="gemma", ts=105.0),
    ]
    transcript, ops = reduced(starts)
    assert ("set", "a", {"name": "gemma"}) in ops
    assert (transcript.blocks["a"].props["name"], transcript.blocks["a"].props["started"]) == (
        "gemma",
        101.0,
    )


NAMES: list[tuple[Any, list[e.Event], str]] = [
    ("function", [e.RunStart()], "create"),
    ("function", [e.RunStart(model="gemma")], "gemma"),
    ("function", [e.RunStart(), e.StepStart(model="gemma"), e.StepStart(model="other")], "gemma"),
    (
        "function",
        [e.RunStart(model="gemma"), e.StepStart(agent="Analyst"), e.StepStart(agent="Writer")],
        "Analyst",
    ),
    ("function", [e.RunStart(name="Analyst", model="gemma")], "Analyst"),
    ("function", [e.RunStart(), e.StepStart(agent="sub", model="m", parent_id="a")], "create"),
    ("stream", [e.RunStart(model="gemma"), e.StepStart(agent="node", model="m")], "create"),
    ("stream", [e.RunStart(name="Analyst")], "Analyst"),
    ("user", [e.RunStart(name="Analyst", model="gemma"), e.StepStart(agent="x")], "create"),
]


@pytest.mark.parametrize(("origin", "events", "name"), NAMES)
def test_a_run_is_named_for_its_agent_else_its_model_else_its_function(
    origin: Any, events: list[e.Event], name: str
) -> None:
    transcript = Transcript("create", origin=origin)
    for event in events:
        transcript.feed(event)
    assert transcript.root.props["name"] == name


def test_the_time_that_a_reader_takes_at_a_result_is_not_the_calls() -> None:
    asked = e.ApprovalRequest(
        approval_id="s", tool_id="t", kind="stop", stage="result", result={"a": 1}, ts=3.0
    )
    call = [
        e.ToolStart(id="t", name="f", ts=1.0),
        e.ToolArgs(id="t", args={}, args_text="{}", ts=1.0),
        asked,
    ]
    done = [
        e.ApprovalResponse(approval_id="s", decision="approve", ts=60.0),
        e.ToolResult(id="t", content={"a": 1}, ts=60.0),
    ]
    assert block([*call, *done], "t")["ended"] == 3.0
    assert block([*call, *done], "approval:s")["result"] == '{"a":1}'
    again = [e.ToolProgress(id="t", ts=50.0), e.ToolResult(id="t", content={"a": 1}, ts=51.0)]
    assert block([*call, *again], "t")["ended"] == 51.0
