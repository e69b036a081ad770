"""`adapter=` as a function from an item to events."""

from typing import Any

import pytest

from nbagent import events as e
from nbagent.run import Run


def run_of(items: Any, adapter: Any) -> Run:
    run = Run(iter(items), adapter=adapter)
    run.start()
    return run.wait()


def test_a_function_may_return_a_text_an_event_several_or_nothing() -> None:
    def read(item: dict[str, Any]) -> Any:
        match item["kind"]:
            case "say":
                return item["text"]
            case "tool":
                return [e.ToolStart(id="t", name=item["name"]), e.ToolResult(id="t", content=1)]
            case "think":
                return e.ReasoningDelta(id="r", delta="Hm")
        return None

    items = [
        {"kind": "ping"},
        {"kind": "say", "text": "Let me "},
        {"kind": "say", "text": "look."},
        {"kind": "tool", "name": "search"},
        {"kind": "think"},
        {"kind": "say", "text": "It is 1."},
    ]
    run = run_of(items, read)
    assert (run.status, run.text, run.thinking, run.answer) == (
        "completed",
        "Let me look.\n\nIt is 1.",
        "Hm",
        "It is 1.",
    )
    assert [block["kind"] for block in run.snapshot()] == [
        "run",
        "text",
        "tool",
        "reasoning",
        "text",
    ]


def test_a_frame_is_handed_on_whole() -> None:
    frames = [{"event": "say", "data": {"text": "Hi"}}, {"event": "noise", "data": "x"}]
    assert (
        run_of(
            frames, lambda frame: frame["data"]["text"] if frame["event"] == "say" else None
        ).text
        == "Hi"
    )


def test_dicts_of_events_will_do() -> None:
    assert (
        run_of(["Hi"], lambda item: {"type": "text.delta", "id": "a", "delta": item}).text == "Hi"
    )


def test_its_error_is_shown_once_and_no_item_is_lost() -> None:
    def wrong(item: str) -> str:
        raise KeyError(item)

    run = run_of(["a", "b"], wrong)
    assert [event.message for event in run.events if isinstance(event, e.Error)] == [
        "adapter= raised KeyError: 'a'"
    ]
    assert run.status == "incomplete"
    shown = Run(iter(["a", "b"]), adapter=wrong, reveal="all")
    shown.start()
    assert [event.data for event in shown.wait().events if isinstance(event, e.Raw)] == ["a", "b"]


def test_what_is_neither_a_name_nor_a_function_is_refused() -> None:
    with pytest.raises(
        TypeError, match="a system's name or a function from an item to events; got int"
    ):
        Run(iter([]), adapter=3)  # type: ignore[arg-type]


def test_a_live_value_that_a_function_gives_is_shown() -> None:
    run = Run(
        iter([[1, 2]]),
        adapter=lambda item: [
            e.ToolStart(id="t", name="load"),
            e.ToolResult(id="t", value=e.Live(item)),
        ],
    )
    run.start()
    result = next(event for event in run.wait(5).events if isinstance(event, e.ToolResult))
    assert result.display is not None
    assert result.display.summary == "[1, 2]"
