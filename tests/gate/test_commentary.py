"""Text before a tool call is distinguished from the answer, whenever the call becomes known."""

from nbagent import events as e
from nbagent.gate.commentary import Commentary


def run(*events: e.Event) -> list[e.Event]:
    stage = Commentary()
    return [*(out for event in events for out in stage.feed(event)), *stage.close()]


def text(id: str, content: str, **more: str) -> list[e.Event]:
    parent = more.pop("parent_id", None)
    start = e.TextStart(id=id, parent_id=parent, **more)  # type: ignore[arg-type]
    return [
        start,
        e.TextDelta(id=id, delta=content, parent_id=parent),
        e.TextEnd(id=id, parent_id=parent),
    ]


CALL: list[e.Event] = [e.ToolStart(id="t", name="f"), e.ToolResult(id="t", content=1)]
NOTE = e.Hidden(what="commentary")


def test_a_text_that_a_call_follows_is_left_out_and_the_answer_stays() -> None:
    assert run(*text("a", "Let me see."), *CALL, *text("b", "It is 1.")) == [
        NOTE,
        *CALL,
        *text("b", "It is 1."),
    ]


def test_a_text_waits_for_the_end_of_its_response() -> None:
    stage = Commentary()
    assert [out for event in text("a", "Hi") for out in stage.feed(event)] == []
    assert stage.feed(e.StepEnd()) == [*text("a", "Hi"), e.StepEnd()]


def test_a_text_whose_phase_is_known_does_not_wait() -> None:
    assert run(*text("a", "Hm.", phase="commentary"), *text("b", "Hi", phase="final_answer")) == [
        NOTE,
        *text("b", "Hi", phase="final_answer"),
    ]


def test_a_text_left_open_goes_on_after_its_response() -> None:
    start, delta, end = text("a", "Hi")
    assert run(start, e.StepEnd(), delta, end) == [start, e.StepEnd(), delta, end]
    assert run(start, *CALL, delta, end) == [NOTE, *CALL]


def test_a_handoff_makes_commentary_of_what_was_said() -> None:
    handoff = e.AgentHandoff(to="B")
    assert run(*text("a", "Wait, B knows."), handoff, *text("b", "Hi")) == [
        NOTE,
        handoff,
        *text("b", "Hi"),
    ]


def test_each_agent_is_judged_by_its_own_calls() -> None:
    inner = e.ToolStart(id="u", name="g", parent_id="agent")
    outer = text("a", "Hi")
    assert run(*outer, *text("b", "Hm.", parent_id="agent"), inner, e.StepEnd()) == [
        NOTE,
        inner,
        *outer,
        e.StepEnd(),
    ]


def test_of_a_run_that_breaks_off_all_is_shown_that_no_call_followed() -> None:
    end = e.RunEnd(status="cancelled")
    assert run(*text("a", "It is")[:2], end) == [*text("a", "It is")[:2], end]
