"""An aspect of a tool that a rule hides is in no event, and an event reports it as hidden."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.events.told import telling
from nbagent.gate.toolrules import Hide, ToolRules
from nbagent.run import Run

ARGS, RESULT = "Xyzzy-args", "Xyzzy-result"


def run(hide: Hide, *events: e.Event) -> list[e.Event]:
    rules = ToolRules(hide)
    return [out for event in events for out in rules.feed(event)]


def call(name: str, id: str = "t", parent_id: str | None = None) -> list[e.Event]:
    return [
        e.ToolStart(id=id, name=name, title=f"{name} {ARGS}", parent_id=parent_id),
        e.ToolArgsDelta(id=id, delta=ARGS, parent_id=parent_id),
        e.ToolArgs(id=id, args={"q": ARGS}, args_text=ARGS, parent_id=parent_id),
        e.ApprovalRequest(
            approval_id=f"ap-{id}", tool_id=id, prompt=f"{name}({ARGS})?", args={"q": ARGS}
        ),
        e.ApprovalResponse(approval_id=f"ap-{id}", decision="approve", value={"q": ARGS}),
        e.ToolProgress(id=id, message=RESULT, progress=0.5),
        e.AgentStart(id=f"agent-{id}", name="inner", parent_id=id),
        e.TextDelta(id=f"text-{id}", delta=RESULT, parent_id=f"agent-{id}"),
        e.Source(id=f"source-{id}", title=RESULT, parent_id=id),
        e.ToolResult(
            id=id,
            content=RESULT,
            display=e.Display(summary=RESULT),
            value=e.Live(RESULT),
            meta=telling(RESULT),
        ),
        e.ToolResult(
            id=id,
            status="error",
            error=e.ErrorInfo(type="ValueError", message=f"{ARGS} {RESULT}", traceback=ARGS),
            meta=telling(f"{ARGS} {RESULT}"),
        ),
        e.Error(message=f"{ARGS} {RESULT}", tool_id=id, traceback=ARGS),
    ]


@pytest.mark.parametrize(
    ("hide", "shown"),
    [
        ({"f": "args"}, {RESULT}),
        ({"f": "result"}, {ARGS}),
        ({"f": ["args", "result"]}, set()),
        ({"f": "all"}, set()),
        ({"*": "all"}, set()),
        ({"*": "args", "f": "result"}, set()),
        ({"g": "all"}, {ARGS, RESULT}),
        ({}, {ARGS, RESULT}),
    ],
)
def test_what_is_hidden_is_in_no_event(hide: Hide, shown: set[str]) -> None:
    out = run(hide, *call("f"), e.RunEnd(status="completed", output="Hi"))
    output = repr(
        [(event, event.value) if isinstance(event, e.ToolResult) else event for event in out]
    )
    assert {canary for canary in (ARGS, RESULT) if canary in output} == shown


def test_a_call_says_what_is_hidden_of_it_and_goes_its_way() -> None:
    events: list[e.Event] = [
        e.ToolStart(id="t", name="f"),
        e.ToolArgs(id="t", args={"q": 1}, args_text='{"q":1}'),
        e.ToolResult(id="t", content=2),
    ]
    assert run({"f": ["args", "result"]}, *events) == [
        e.ToolStart(id="t", name="f"),
        e.Hidden(what="arguments", tool_id="t"),
        e.Hidden(what="result", tool_id="t"),
        e.ToolArgs(id="t"),
        e.ToolResult(id="t", display=e.Display(summary="hidden")),
    ]


def test_a_hidden_call_can_still_be_allowed() -> None:
    request = e.ApprovalRequest(
        approval_id="a", tool_id="t", options=["once", f"always {ARGS}"], args={"q": ARGS}
    )
    assert run({"f": "all"}, e.ToolStart(id="t", name="f"), request) == [
        e.Hidden(what="tools"),
        e.ApprovalRequest(approval_id="a"),
    ]


def test_the_answers_to_a_question_for_the_reader_stay() -> None:
    request = e.ApprovalRequest(
        approval_id="a", tool_id="t", kind="input", prompt="Which?", options=["one", "two"]
    )
    *_, asked = run({"*": "all"}, e.ToolStart(id="t", name="f"), request)
    assert asked == e.ApprovalRequest(
        approval_id="a", kind="input", prompt="Which?", options=["one", "two"]
    )


def test_of_an_error_in_a_hidden_call_neither_code_nor_type_is_seen() -> None:
    error = e.Error(message=RESULT, code=RESULT, error_type=RESULT, tool_id="t", fatal=True)
    *_, seen = run({"*": "all"}, e.ToolStart(id="t", name="f"), error)
    assert RESULT not in repr(seen)


def inner(**inside: Any) -> list[e.Event]:
    """Events of an agent inside a call.

    Only those that begin a block have a parent; `inside` is that of the agent.
    """
    return [
        e.ToolStart(id="t", name="f"),
        e.AgentStart(id="a", name="inner", **inside),
        e.TextStart(id="x", parent_id="a"),
        e.TextDelta(id="x", delta=RESULT),
        e.TextEnd(id="x", text=RESULT),
        e.ReasoningStart(id="r", parent_id="a"),
        e.ReasoningDelta(id="r", delta=RESULT),
        e.ReasoningEnd(id="r", text=RESULT),
        e.Error(message=RESULT, parent_id="a", agent=RESULT),
        e.UsageUpdate(usage=e.Usage(input=1), parent_id="a", agent=RESULT),
        e.AgentEnd(id="a", name=RESULT),
    ]


@pytest.mark.parametrize("hide", [{"f": "all"}, {"f": "result"}, {"*": "all"}])
@pytest.mark.parametrize("inside", [{"parent_id": "t"}, {"tool_id": "t"}])
def test_the_inner_life_of_a_call_is_hidden_where_only_its_beginnings_say_so(
    hide: Hide, inside: dict[str, str]
) -> None:
    out = run(hide, *inner(**inside))
    assert RESULT not in repr(out)
    assert not [
        event for event in out if event.parent_id or isinstance(event, e.AgentStart | e.AgentEnd)
    ]


@pytest.mark.parametrize("part", ["args", "result", "all"])
def test_a_call_that_was_never_begun_may_be_any_tools(part: Any) -> None:
    args, result = (
        e.ToolArgs(id="t", args={"q": ARGS}, args_text=ARGS),
        e.ToolResult(id="t", content=RESULT),
    )
    ask = e.ApprovalRequest(approval_id="a", prompt=ARGS, args={"q": ARGS})
    output = repr(run({"f": part}, args, ask, result))
    assert ((ARGS in output), (RESULT in output)) == (part == "result", part == "args")


def test_an_approval_shows_what_is_asked_where_only_results_are_hidden() -> None:
    request = e.ApprovalRequest(approval_id="a", tool_id="t", prompt="f?", args={"q": 1})
    assert run({"f": "result"}, e.ToolStart(id="t", name="f"), request)[-1] == request


def test_a_structured_output_may_quote_what_is_hidden() -> None:
    lane = e.AgentEnd(id="lane-1", output={"messages": [ARGS]})
    structured = e.RunEnd(status="completed", output={"messages": [ARGS]})
    assert run({"f": "args"}, lane, structured) == [
        e.AgentEnd(id="lane-1"),
        e.RunEnd(status="completed"),
    ]


@pytest.mark.parametrize("wrong", ["arguments", [], ["args", "x"]])
def test_a_rule_that_hides_nothing_known_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="'args', 'result' or 'all'"):
        ToolRules(cast("Hide", {"f": wrong}))


@given(
    st.permutations([("f", "a"), ("g", "b"), ("f", "c")]),
    st.lists(st.integers(0, 2), max_size=36),
    st.sampled_from(["args", "result", "all"]),
)
def test_calls_that_overlap_are_hidden_each_for_itself(
    calls: list[tuple[str, str]], order: list[int], part: Any
) -> None:
    left = [[(name, event) for event in call(name, id)] for name, id in calls]
    mixed = [left[at].pop(0) for at in order if left[at]]
    mixed += [pair for rest in left for pair in rest]
    rules = ToolRules({"f": part})
    for name, event in mixed:
        output = repr(rules.feed(event))
        if name == "f":
            assert part == "args" or RESULT not in output
            assert part == "result" or ARGS not in output
        else:
            assert rules.feed(event)[0] == event


@pytest.mark.parametrize("wrong", ["search", ["search"]])
def test_rules_that_do_not_say_what_is_hidden_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="hide maps tool names to aspects"):
        Run(iter([]), hide=wrong)
