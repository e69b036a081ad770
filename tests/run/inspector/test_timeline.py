"""The timeline: events in, bars out."""

from nbagent import events as e
from nbagent.protocol.inspection import Bar
from nbagent.run.inspector.timeline import MAX_BARS, Timeline


def timeline(*events: e.Event) -> Timeline:
    line = Timeline()
    for event in events:
        line.feed(event)
    return line


def test_steps_thoughts_tools_and_texts_are_bars() -> None:
    line = timeline(
        e.RunStart(ts=10.0),
        e.StepStart(ts=10.0),
        e.ReasoningDelta(id="r", delta="hm", ts=10.5),
        e.ReasoningEnd(id="r", ts=11.0),
        e.ToolStart(id="c", name="load", ts=11.0),
        e.ToolArgsDelta(id="c", delta="{}", ts=11.5),
        e.ToolArgs(id="c", args={}, ts=11.6),
        e.StepEnd(usage=e.Usage(input=3, output=4), ts=11.7),
        e.ToolResult(id="c", content="partly", preliminary=True, ts=12.0),
        e.ToolResult(id="c", status="error", ts=12.5),
        e.TextStart(id="t", phase="final_answer", ts=12.6),
        e.TextDelta(id="t", delta="Hi", ts=13.0),
        e.RunEnd(status="completed", ts=13.5),
    )
    assert list(line.bars) == [
        Bar(
            kind="step",
            label="step 1",
            start=10.0,
            end=11.7,
            first=10.5,
            usage=e.Usage(input=3, output=4),
        ),
        Bar(kind="reasoning", label="thinking", start=10.5, end=11.0, block="r"),
        Bar(kind="tool", label="load", start=11.0, ready=11.6, end=12.5, status="error", block="c"),
        Bar(kind="text", label="answer", start=12.6, end=13.0, block="t"),
    ]
    assert (line.start, line.end) == (10.0, 13.5)


def test_a_stretch_without_events_is_a_gap() -> None:
    line = timeline(*(e.TextDelta(id="t", delta="x", ts=at) for at in (0.0, 0.9, 2.0, 2.5, 6.0)))
    assert list(line.gaps) == [(0.9, 2.0), (2.5, 6.0)]
    assert (line.gap_count, round(line.gap_seconds, 3)) == (2, 4.6)


def test_a_stretch_in_which_the_reader_is_asked_is_no_gap() -> None:
    asked = timeline(
        e.ApprovalRequest(approval_id="a", ts=1.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=60.0),
        e.RunEnd(status="completed", ts=60.5),
        e.RunStart(ts=90.0),
        e.TextDelta(id="t", delta="x", ts=92.0),
    )
    assert list(asked.gaps) == [(90.0, 92.0)]


def test_what_still_goes_on_has_no_end_until_the_run_has() -> None:
    events = (
        e.StepStart(ts=0.0),
        e.ToolStart(id="c", name="load", ts=1.0),
        e.ApprovalRequest(approval_id="a", ts=1.5),
    )
    assert [bar.end for bar in timeline(*events).bars] == [None, None, None]
    assert [bar.end for bar in timeline(*events, e.RunEnd(status="paused", ts=9.0)).bars] == [
        9.0,
        9.0,
        9.0,
    ]


def test_a_step_that_is_not_ended_ends_where_the_next_begins() -> None:
    used = (
        e.UsageUpdate(scope="step", mode="add", usage=e.Usage(output=count)) for count in (2, 3)
    )
    first, second = timeline(e.StepStart(ts=0.0), *used, e.StepStart(name="plan", ts=4.0)).bars
    assert (first.end, first.usage) == (4.0, e.Usage(output=5))
    assert (second.label, second.end) == ("plan", None)


def test_a_long_run_keeps_the_newest_bars() -> None:
    line = timeline(
        *(e.TextEnd(id=f"t{number}", text="x", ts=float(number)) for number in range(MAX_BARS + 5))
    )
    assert (len(line.bars), line.left_out) == (MAX_BARS, 5)
    assert line.bars[0].block == "t5"


def test_an_agent_that_starts_again_has_one_bar_with_its_new_name() -> None:
    line = timeline(
        e.AgentStart(id="a", name="create 1", ts=10.0),
        e.AgentStart(id="a", name="gemma", ts=11.0),
        e.AgentEnd(id="a", ts=12.0),
    )
    assert [(bar.label, bar.start, bar.end) for bar in line.bars] == [("gemma", 10.0, 12.0)]
