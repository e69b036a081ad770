"""Questions about a run's events, and their answers in pages of any size."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.events.jsonable import text_safe
from nbagent.events.log import KEPT_BYTES, EventLog
from nbagent.inspector import Inspector
from nbagent.inspector.inspector import PAGE_ROWS, TIMELINE_EVENTS
from nbagent.inspector.search import STRETCH_BYTES
from nbagent.protocol.json_size import json_size
from nbagent.pump import BATCH_BYTES
from nbagent.run import Run
from nbagent.transcript import Transcript

HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(["\ud800", '"', "\\", "\n", "İ", "</script>", "\u2028"])


class Asked:
    """An inspector of these events, and those that are fed later."""

    def __init__(self, *events: e.Event) -> None:
        self.log = EventLog()
        self.transcript = Transcript()
        self.inspector = Inspector(self.log, self.transcript.block_id, self.transcript.snapshot)
        self.feed(*events)

    def feed(self, *events: e.Event) -> None:
        for event in events:
            self.log.append(event)
            self.transcript.feed(event)

    def text(self, name: str, room: int = BATCH_BYTES) -> str:
        text = ""
        while True:
            page, size = self.inspector.page(name, len(text), room)
            assert json_size(page) - 2 <= room
            text += page
            if len(text) >= size:
                return text

    def once(self, **question: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text(f"events/{json.dumps(question)}"))
        return answer

    def numbers(self, **question: Any) -> list[int]:
        """Of all that match, asked for as the view asks: until all is seen, and row by row."""
        rows: list[list[Any]] = []
        while True:
            answer = self.once(**question, at=len(rows))
            rows += answer["rows"]
            if answer["seen"] == answer["count"] and len(rows) >= answer["total"]:
                return [row[0] for row in rows]


CALL: Sequence[e.Event] = (
    e.ToolStart(id="c", name="load", ts=1.0),
    e.ToolArgs(id="c", args={"year": 2025}, args_text='{"year": 2025}', ts=2.0),
    e.ToolResult(id="c", content={"rows": 3}, ts=4.0),
)


def test_a_row_is_number_time_type_and_summary() -> None:
    asked = Asked(e.RunStart(name="analyst", model="demo", ts=1.0), e.TextDelta(id="t", delta="Hi\n", ts=1.5), *CALL)
    assert asked.once()["rows"] == [
        [1, 1.0, "run.start", 'name="analyst" model="demo"'],
        [2, 1.5, "text.delta", '"Hi\\n"'],
        [3, 1.0, "tool.start", '"load"'],
        [4, 2.0, "tool.args", "{year: 2025}"],
        [5, 4.0, "tool.result", "{rows: 3}"],
    ]


def test_types_are_counted_and_filter_alone_or_as_a_family() -> None:
    asked = Asked(e.TextStart(id="t"), e.TextDelta(id="t", delta="a"), e.TextDelta(id="t", delta="b"), *CALL)
    counted = {"text.start": 1, "text.delta": 2, "tool.start": 1, "tool.args": 1, "tool.result": 1}
    assert asked.once(type="text.delta")["types"] == counted
    assert asked.numbers(type="text.delta") == [2, 3]
    assert asked.numbers(type="text.*") == [1, 2, 3]
    assert asked.numbers(type="nothing.*") == []


def test_a_text_is_found_in_any_field_and_in_upper_or_lower_case() -> None:
    asked = Asked(*CALL, e.Error(message='a "Quoted" word'))
    assert asked.numbers(text="YEAR") == [2]
    assert asked.numbers(text='"quoted"') == [4]
    assert asked.numbers(text="load", type="tool.*") == [1]


def test_what_every_event_carries_is_not_searched() -> None:
    assert Asked(e.TextDelta(id="t", delta="a", seq=77, ts=1777.0, run_id="run-77")).numbers(text="77") == []


@given(st.lists(HOSTILE, max_size=30), HOSTILE)
def test_whatever_a_text_is_searching_it_finds_it(texts: list[str], wanted: str) -> None:
    asked = Asked(*(e.TextDelta(id="t", delta=text) for text in [*texts, f"a{wanted}b"]))
    assert len(texts) + 1 in asked.numbers(text=text_safe(wanted))


def test_a_block_has_its_own_events_and_those_of_what_is_in_it() -> None:
    inner = e.TextDelta(id="inner", delta="a", parent_id="c")
    asked = Asked(e.TextDelta(id="c", delta="another kind, the same id"), *CALL, inner, e.Status(message="on"))
    block = asked.transcript.block_id("c", "tool")
    assert asked.numbers(block=block, kind="tool") == [2, 3, 4, 5]
    assert asked.numbers(block="c", kind="text") == [1]
    assert asked.numbers(block="status:6", kind="status") == [6]


def test_a_long_run_is_looked_through_in_stretches() -> None:
    count = 3 * STRETCH_BYTES // 64
    asked = Asked(*(e.TextDelta(id="t", delta="x" if number % 1000 else "needle") for number in range(count)))
    first = asked.once(text="needle")
    assert 0 < first["seen"] < count
    assert asked.numbers(text="needle") == list(range(1, count + 1, 1000))


def test_what_came_since_is_found_without_looking_at_the_rest_again() -> None:
    asked = Asked(*CALL)
    assert asked.numbers(text="rows") == [3]
    asked.feed(e.ToolResult(id="c", content="more rows"))
    assert asked.numbers(text="rows") == [3, 4]
    assert asked.once(text="rows")["count"] == 4


@given(st.lists(HOSTILE, min_size=1, max_size=300))
def test_pages_fit_into_a_message_and_miss_no_row(texts: list[str]) -> None:
    asked = Asked(*(e.Custom(name="x", data={text: text * 20}) for text in texts))
    assert len(asked.once()["rows"]) <= PAGE_ROWS
    assert asked.numbers() == list(range(1, len(texts) + 1))


def test_events_that_are_no_longer_kept_keep_their_place() -> None:
    large = "x" * (KEPT_BYTES // 3)
    asked = Asked(*(e.TextDelta(id="t", delta=large) for _ in range(5)))
    rows = asked.once()["rows"]
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert [len(row) for row in rows] == [1, 1, 1, 4, 4]
    with pytest.raises(LookupError, match="event 1 is no longer kept"):
        asked.text("event/1")
    assert asked.numbers(type="text.delta") == [4, 5]


@given(HOSTILE, st.integers(20, 200))
def test_one_event_is_its_json_in_pages(text: str, room: int) -> None:
    asked = Asked(e.ToolResult(id="c", content={"text": text, "number": 2**60}))
    shown = json.loads(asked.text("event/1", room))
    assert shown["content"]["number"] == str(2**60)  # a browser would round it
    assert shown["type"] == "tool.result"


@pytest.mark.parametrize("name", ["events/", 'events/{"at":-1}', "events/[]", "event/", "event/-1", "event/2", "copy/word"])
def test_what_is_no_question_is_said_to_be_none(name: str) -> None:
    with pytest.raises(LookupError):
        Asked(e.RunStart()).text(name)


def test_the_timeline_of_a_long_run_comes_in_stretches() -> None:
    asked = Asked(*(e.TextDelta(id=f"t{number}", delta="x", ts=float(number)) for number in range(TIMELINE_EVENTS + 10)))
    assert json.loads(asked.text("timeline"))["seen"] == TIMELINE_EVENTS
    whole = json.loads(asked.text("timeline"))
    assert whole["seen"] == whole["count"] == TIMELINE_EVENTS + 10
    assert whole["bars"][0]["block"] == f"t{TIMELINE_EVENTS + 9}"  # the newest, as many as fit


async def test_the_copies_are_the_runs_own_words() -> None:
    run = Run(iter([*CALL, e.TextDelta(id="t", delta="Three rows.")]), name="analyst")
    run.start()
    await run
    texts = {form: run.page(f"copy/{form}", 0, BATCH_BYTES)[0] for form in ("markdown", "json", "python")}
    assert texts["markdown"] == run.to_markdown()
    assert json.loads(texts["json"]) == run.snapshot()
    scope: dict[str, Any] = {}
    exec(texts["python"], scope)
    assert scope["messages"][1] == {"role": "tool", "tool_call_id": "call_1", "content": '{"rows":3}'}
    assert "Three rows." in run.to_html()


async def test_what_is_hidden_cannot_be_asked_for() -> None:
    thought = e.ReasoningDelta(id="r", delta="the secret thought")
    run = Run(iter([thought, *CALL]), reveal="answer", name="analyst")
    run.start()
    await run
    asked = ["events/{}", 'events/{"text":"secret"}', "timeline", "copy/markdown", "copy/json", "copy/python"]
    asked += [f"event/{number + 1}" for number in range(len(run.events))]
    said = "".join(run.page(name, 0, BATCH_BYTES)[0] for name in asked)
    assert "secret thought" not in said
    assert "load" not in said
    assert "thinking" in said  # that something is hidden is no secret
