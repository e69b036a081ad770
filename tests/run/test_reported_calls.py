"""Calls that tools report themselves, joined with those that the stream tells."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.run.reported_calls import ReportedCalls

LIVE = e.ToolResult(id="tool-1", content={"rate": 1.5}, value=e.Live({"rate": 1.5}))


def fits(**own: Any) -> Callable[[Any], int]:
    return lambda told: 2 if told == own else 0


def told(id: str, name: str = "f", **args: Any) -> list[e.Event]:
    """The events with which a stream tells a call."""
    return [
        e.ToolStart(id=id, name=name),
        e.ToolArgsDelta(id=id, delta="{"),
        e.ToolArgs(id=id, args=args),
    ]


def fed(calls: ReportedCalls, *events: e.Event) -> list[e.Event]:
    return [shown for event in events for shown in calls.feed(event)]


def test_a_report_after_the_announcement_is_the_announced_call() -> None:
    calls = ReportedCalls()
    assert fed(calls, *told("tool-1", x=1)) == told("tool-1", x=1)
    assert calls.claim("f", fits(x=1)) == ("tool-1", msgspec.UNSET)
    assert calls.finish(LIVE) == LIVE
    assert fed(calls, e.ToolResult(id="tool-1", content="text")) == []


@pytest.mark.parametrize(
    ("announced", "name"), [(True, "f"), (False, "f"), (True, "of the framework")]
)
def test_what_the_stream_tells_the_model_is_kept_beside_the_live_result(
    announced: bool, name: str
) -> None:
    calls, live = ReportedCalls(), e.Live({"rate": 1.5})
    if announced:
        fed(calls, *told("tool-1", name, x=1))
    id, _ = calls.claim("f", fits(x=1))
    if not announced:
        fed(calls, *told("tool-1", name, x=1))
    calls.finish(e.ToolResult(id=id, content={"rate": 1.5}, value=live))
    fed(calls, e.ToolResult(id="tool-1", content='{"rate": 1.5}'))
    assert live.told == '{"rate": 1.5}'


def test_an_announcement_after_the_report_is_the_reported_call() -> None:
    calls = ReportedCalls()
    id, _ = calls.claim("f", fits(x=1))
    assert fed(calls, *told("tool-1", x=1)) == []
    assert fed(
        calls, e.ToolOutput(id="tool-1", delta="out"), e.Status(message="m", parent_id="tool-1")
    ) == [
        e.ToolOutput(id=id, delta="out"),
        e.Status(message="m", parent_id=id),
    ]
    assert calls.finish(msgspec.structs.replace(LIVE, id=id)) is not None
    assert fed(calls, e.ToolResult(id="tool-1", content="text")) == []


def test_of_several_calls_the_one_with_the_same_arguments_is_meant() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", x=1), *told("tool-2", x=2), *told("tool-3", name="g", x=2))
    assert [calls.claim("f", fits(x=x))[0] for x in (2, 1)] == ["tool-2", "tool-1"]
    assert calls.claim("f", fits(x=2))[0] == "call-1"


def test_arguments_that_were_changed_on_the_way_are_told() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", x=1))
    assert calls.claim("f", fits(x=5)) == ("tool-1", {"x": 1})


def test_a_call_whose_arguments_are_still_written_is_the_reported_one() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", x=1)[:2])
    assert calls.claim("f", fits(x=1)) == ("tool-1", msgspec.UNSET)


def test_an_announcement_with_other_arguments_is_a_call_of_its_own() -> None:
    calls = ReportedCalls()
    calls.claim("f", fits(x=1))
    assert fed(calls, *told("tool-1", x=2)) == told("tool-1", x=2)
    result = e.ToolResult(id="tool-1", content="text")
    assert fed(calls, result) == [result]


def test_a_result_of_the_stream_before_the_functions_own_stays() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", x=1))
    calls.claim("f", fits(x=1))
    result = e.ToolResult(id="tool-1", status="error", content="timed out")
    assert fed(calls, result) == [result]
    assert calls.finish(LIVE) is None


def test_what_is_held_back_comes_with_the_end() -> None:
    calls = ReportedCalls()
    calls.claim("f", fits(x=1))
    begun = told("tool-1", x=1)[:2]
    end = e.RunEnd(status="failed")
    assert fed(calls, *begun) == []
    assert fed(calls, end) == [*begun, end]


def test_a_lanes_call_is_one_of_the_lane() -> None:
    calls = ReportedCalls()
    fed(calls, *told("lane-1/tool-1", x=1), *told("lane-2/tool-1", x=1))
    assert calls.claim("f", fits(x=1), "lane-2")[0] == "lane-2/tool-1"
    assert calls.claim("f", fits(x=1), "lane-2")[0] == "lane-2/call-1"


@pytest.mark.parametrize("content", [{"rate": 1.5}, "{'rate': 1.5}", '{"rate":1.5}'])
def test_a_call_under_another_name_with_equal_arguments_is_the_reported_one(content: Any) -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", name="Rates", x=1))
    assert calls.claim("f", fits(x=1)) == ("tool-1", msgspec.UNSET)
    assert calls.finish(LIVE) == msgspec.structs.replace(LIVE, preliminary=True)
    assert fed(calls, e.ToolResult(id="tool-1", content=content)) == [LIVE]


def test_so_it_is_while_the_stream_has_told_the_text_of_its_arguments_only() -> None:
    calls = ReportedCalls()
    fed(calls, *whole("tool-1", "Rates", x=1)[:2])
    assert calls.claim("f", fits(x=1)) == ("tool-1", msgspec.UNSET)


def test_so_it_is_without_a_result_of_the_stream() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", name="Rates", x=1))
    calls.claim("f", fits(x=1))
    calls.finish(LIVE)
    end = e.RunEnd(status="completed")
    assert fed(calls, end) == [LIVE, end]


def test_a_call_that_calls_the_tool_in_turn_has_its_own_result() -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", name="report", x=1))
    calls.claim("f", fits(x=1))
    calls.finish(LIVE)
    own = e.ToolResult(id="tool-1", content="the rate is 1.5")
    assert fed(calls, own) == [own]


@pytest.mark.parametrize("args", [{}, {"x": 2}])
def test_a_call_under_another_name_without_or_with_other_arguments_is_another(
    args: dict[str, Any],
) -> None:
    calls = ReportedCalls()
    fed(calls, *told("tool-1", name="Rates", **args))
    assert calls.claim("f", fits(**{"x": 1} if args else {})) == ("call-1", None)


def whole(id: str, name: str, **args: Any) -> list[e.Event]:
    """The events of a call that is told at once."""
    text = msgspec.json.encode(args).decode()
    return [
        e.ToolStart(id=id, name=name),
        e.ToolArgsDelta(id=id, delta=text),
        e.ToolArgs(id=id, args=args),
    ]


def test_a_call_that_is_told_whole_under_another_name_after_its_report_is_the_reported_one() -> (
    None
):
    calls = ReportedCalls()
    id, _ = calls.claim("f", fits(x=1))
    live = msgspec.structs.replace(LIVE, id=id)
    assert calls.finish(live) == live
    assert fed(calls, *whole("tool-1", "Rates", x=1)) == []
    assert fed(calls, e.ToolResult(id="tool-1", content="{'rate': 1.5}")) == []


def test_it_is_another_call_if_its_result_is_another() -> None:
    calls = ReportedCalls()
    id, _ = calls.claim("f", fits(x=1))
    calls.finish(msgspec.structs.replace(LIVE, id=id))
    own = e.ToolResult(id="tool-1", content="the rate is 1.5")
    assert fed(calls, *whole("tool-1", "report", x=1), own) == [
        *whole("tool-1", "report", x=1),
        own,
    ]


def test_a_call_under_another_name_that_is_still_written_is_not_held_back() -> None:
    calls = ReportedCalls()
    calls.claim("f", fits(x=1))
    assert fed(calls, *told("tool-1", name="g", x=1)) == told("tool-1", name="g", x=1)


@given(st.data())
def test_every_call_has_one_panel_in_every_order(data: st.DataObject) -> None:
    """The stream tells all calls before their functions begin, or after that, each in any order."""
    numbers = range(data.draw(st.integers(1, 4)))
    argument = [data.draw(st.integers(0, 1)) for _ in numbers]
    streams = [told(f"tool-{n}", x=argument[n]) for n in numbers]
    phases = data.draw(st.permutations(["begin", "told"]))
    steps = [(n, phase) for phase in phases for n in data.draw(st.permutations(numbers))]
    calls, shown, reported = ReportedCalls(), list[e.Event](), dict[int, str]()
    for n, step in steps:
        if step == "told":
            shown += fed(calls, *streams[n])
        else:
            reported[n], known = calls.claim("f", fits(x=argument[n]))
            if known is None:
                shown.append(e.ToolStart(id=reported[n], name="f"))
    for id in reported.values():
        assert calls.finish(e.ToolResult(id=id)) is not None
        shown.append(e.ToolResult(id=id))
    shown += fed(calls, *(e.ToolResult(id=f"tool-{n}", content="text") for n in numbers))
    ids = [event.id for event in shown if isinstance(event, e.ToolStart)]
    assert sorted(ids) == sorted(reported.values())
    assert sorted(event.id for event in shown if isinstance(event, e.ToolResult)) == sorted(ids)


@pytest.mark.parametrize(
    "event", [e.TextDelta(id="t", delta="x"), e.ToolResult(id="tool-9", content=1)]
)
def test_what_no_tool_reports_passes(event: e.Event) -> None:
    assert ReportedCalls().feed(event) == [event]
