"""Overlapping spans are put one after another; no delta is lost or repeated."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from streams import event_streams

from nbagent import events as ev
from nbagent.adapters.base.overlaps import QueueOverlaps, SplitOnInterleave

TEXT = ev.TextStart(id="a"), ev.TextStart(id="b")


def queued(*events: ev.Event) -> list[ev.Event]:
    queue = QueueOverlaps()
    return [ready for event in events for ready in queue.feed(event)]


def interrupted(*events: ev.Event) -> list[ev.Event]:
    stage = SplitOnInterleave(frozenset({"text", "reasoning", "tool"}))
    return [split for event in events for split in stage.feed(event)]


def delta(id_: str, text: str) -> ev.TextDelta:
    return ev.TextDelta(id=id_, delta=text)


def test_a_text_waits_for_the_end_of_the_one_before_it() -> None:
    a, b = TEXT
    ends = ev.TextEnd(id="a"), ev.TextEnd(id="b")
    assert queued(a, b, delta("a", "1"), delta("b", "2"), *ends) == [
        a,
        delta("a", "1"),
        ends[0],
        b,
        delta("b", "2"),
        ends[1],
    ]


def test_the_end_of_a_step_ends_all_its_texts() -> None:
    a, b = TEXT
    assert queued(a, b, delta("b", "2"), ev.StepEnd()) == [
        a,
        ev.TextEnd(id="a"),
        b,
        delta("b", "2"),
        ev.StepEnd(),
    ]


def test_a_call_splits_a_text() -> None:
    call = ev.ToolStart(id="c", name="f")
    output = interrupted(
        TEXT[0], delta("a", "1"), call, delta("a", "2"), ev.TextEnd(id="a", text="12")
    )
    assert output == [
        TEXT[0],
        delta("a", "1"),
        ev.TextEnd(id="a"),
        call,
        ev.TextStart(id="a.2"),
        delta("a.2", "2"),
        ev.TextEnd(id="a.2", text="2"),
    ]


def test_a_text_that_was_complete_when_it_was_interrupted_has_no_second_part() -> None:
    call = ev.ToolStart(id="c", name="f")
    output = interrupted(TEXT[0], delta("a", "1"), call, ev.TextEnd(id="a", text="1"))
    assert output == [TEXT[0], delta("a", "1"), ev.TextEnd(id="a"), call]


def texts_by_id(events: list[Any], cls: Any) -> dict[str, str]:
    """Return the joined deltas by id, without the number of the part."""
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event, cls):
            id_ = event.id.partition(".")[0]
            texts[id_] = texts.get(id_, "") + event.delta
    return texts


@given(event_streams(), st.sets(st.sampled_from(["text", "reasoning", "tool", "step"])))
@settings(deadline=None, max_examples=40)
def test_every_delta_comes_once_and_nothing_overlaps(events: list[ev.Event], by: set[str]) -> None:
    stage = SplitOnInterleave(frozenset(by))  # type: ignore[arg-type]  # hypothesis does not keep literals
    output: list[Any] = [piece for event in queued(*events) for piece in stage.feed(event)]
    for cls in (ev.TextDelta, ev.ReasoningDelta):
        assert texts_by_id(output, cls) == texts_by_id(events, cls)
    for starts, ends in ((ev.TextStart, ev.TextEnd), (ev.ReasoningStart, ev.ReasoningEnd)):
        open_: list[str] = []
        for event in output:
            if isinstance(event, starts):
                assert not open_
                open_.append(event.id)
            elif isinstance(event, ends):
                assert open_.pop() == event.id
