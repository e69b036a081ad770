"""The words of a static copy about its content."""

from typing import Any

from nbagent import events as e
from nbagent.notebook.static_copy import content
from nbagent.transcript import Transcript


def held(*events: e.Event) -> dict[str, Any]:
    transcript = Transcript("test", started=100.0)
    for event in events:
        transcript.feed(event)
    return content(transcript.snapshot())


def test_a_copy_says_how_much_there_was_of_what_still_grows() -> None:
    call = (
        e.ToolStart(id="f", name="load"),
        e.ToolArgs(id="f", args={}, args_text="{}"),
        e.ToolOutput(id="f", delta="50 %"),
    )
    text = (e.TextStart(id="t"), e.TextDelta(id="t", delta="Hi 👋"))
    done = (e.TextStart(id="d"), e.TextDelta(id="d", delta="done"), e.TextEnd(id="d"))
    assert held(*done, *call, *text) == {"events": 8, "blocks": 4, "open": {"f": 6, "t": 4}}


def test_a_copy_of_a_run_that_has_ended_is_whole() -> None:
    assert held(e.TextDelta(id="t", delta="Hi"), e.RunEnd(status="completed")) == {
        "events": 2,
        "blocks": 2,
    }
