"""Questions about a run's events, and their answers in pages of any size."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.events.jsonable import text_safe
from nbagent.events.log import MAX_LOG_BYTES, EventLog
from nbagent.protocol.json_size import json_size
from nbagent.pump import BATCH_BYTES, LargeValues
from nbagent.run import Run
from nbagent.run.inspector import Inspector, TimeTravel
from nbagent.run.inspector.inspector import MAX_TIMELINE_EVENTS, PAGE_ROWS
from nbagent.run.inspector.search import STRETCH_BYTES
from nbagent.transcript import Transcript

HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\ud800", '"', "\\", "\n", "İ", "</script>", "\u2028"]
)


class InspectedEvents:
    """Inspector of these events, and of those that are fed later."""

    def __init__(self, *events: e.Event) -> None:
        self.log = EventLog()
        self.transcript = Transcript()
        past = TimeTravel(self.log, Transcript, LargeValues(lambda _: None, lambda _: None, str))
        self.inspector = Inspector(self.log, self.transcript, past)
        self.feed(*events)

    def feed(self, *events: e.Event) -> None:
        for event in events:
            self.log.append(event)
            self.transcript.feed(event)

    def text(self, name: str, max_bytes: int = BATCH_BYTES) -> str:
        text = ""
        while True:
            page, size = self.inspector.page(name, len(text), max_bytes)
            assert json_size(page) - 2 <= max_bytes
            text += page
            if len(text) >= size:
                return text

    def once(self, **question: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text(f"events/{json.dumps(question)}"))
        return answer

    def numbers(self, **question: Any) -> list[int]:
        """Return the numbers of all matches, asked for as the view does: until all is searched, and
        row by row.
        """
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
    inspected = InspectedEvents(
        e.RunStart(name="analyst", model="demo", ts=1.0),
        e.TextDelta(id="t", delta="Hi\n", ts=1.5),
        *CALL,
    )
    assert inspected.once()["rows"] == [
        [1, 1.0, "run.start", 'name="analyst" model="demo"'],
        [2, 1.5, "text.delta", '"Hi\\n"'],
        [3, 1.0, "tool.start", '"load"'],
        [4, 2.0, "tool.args", "{year: 2025}"],
        [5, 4.0, "tool.result", "{rows: 3}"],
    ]


def test_types_are_counted_and_filter_alone_or_as_a_family() -> None:
    inspected = InspectedEvents(
        e.TextStart(id="t"), e.TextDelta(id="t", delta="a"), e.TextDelta(id="t", delta="b"), *CALL
    )
    counted = {"text.start": 1, "text.delta": 2, "tool.start": 1, "tool.args": 1, "tool.result": 1}
    assert inspected.once(type="text.delta")["types"] == counted
    assert inspected.numbers(type="text.delta") == [2, 3]
    assert inspected.numbers(type="text.*") == [1, 2, 3]
    assert inspected.numbers(type="nothing.*") == []


def test_a_text_is_found_in_any_field_and_in_upper_or_lower_case() -> None:
    inspected = InspectedEvents(*CALL, e.Error(message='a "Quoted" word'))
    assert inspected.numbers(text="YEAR") == [2]
    assert inspected.numbers(text='"quoted"') == [4]
    assert inspected.numbers(text="load", type="tool.*") == [1]


def test_what_every_event_carries_is_not_searched() -> None:
    assert (
        InspectedEvents(e.TextDelta(id="t", delta="a", seq=77, ts=1777.0, run_id="run-77")).numbers(
            text="77"
        )
        == []
    )


@given(st.lists(HOSTILE, max_size=30), HOSTILE)
def test_whatever_a_text_is_searching_it_finds_it(texts: list[str], wanted: str) -> None:
    inspected = InspectedEvents(
        *(e.TextDelta(id="t", delta=text) for text in [*texts, f"a{wanted}b"])
    )
    assert len(texts) + 1 in inspected.numbers(text=text_safe(wanted))


def test_a_block_has_its_own_events_and_those_of_what_is_in_it() -> None:
    inner = e.TextDelta(id="inner", delta="a", parent_id="c")
    inspected = InspectedEvents(
        e.TextDelta(id="c", delta="another kind, the same id"), *CALL, inner, e.Status(message="on")
    )
    block = inspected.transcript.block_id("c", "tool")
    assert inspected.numbers(block=block, kind="tool") == [2, 3, 4, 5]
    assert inspected.numbers(block="c", kind="text") == [1]
    assert inspected.numbers(block="status:6", kind="status") == [6]


def test_deltas_that_follow_each_other_are_one_row_a_block() -> None:
    inspected = InspectedEvents(
        e.TextStart(id="t"),
        *(
            e.TextDelta(id=id, delta=delta)
            for id, delta in (("t", "Let"), ("u", "An"), ("t", " me"), ("u", "other"))
        ),
        e.ToolArgsDelta(id="t", delta="{}"),
        e.TextEnd(id="u"),
        e.TextDelta(id="t", delta=" look"),
        e.TextDelta(id="t", delta="."),
    )
    rows = [(number, tag, summary) for number, _, tag, summary in inspected.once(fold=True)["rows"]]
    assert rows == [
        (1, "text.start", ""),
        (2, "text.delta", '"Let me"'),
        (3, "text.delta", '"Another"'),
        (6, "tool.args.delta", '"{}"'),
        (7, "text.end", ""),
        (8, "text.delta", '" look."'),
    ]
    assert inspected.numbers() == inspected.numbers(type="*") == list(range(1, 10))


def test_a_row_of_many_deltas_has_the_beginning_of_their_text() -> None:
    inspected = InspectedEvents(
        *(e.TextDelta(id="t", delta=f"{number} ") for number in range(100_000))
    )
    assert inspected.once(fold=True)["seen"] == 100_000  # the list opens with one answer
    [number] = inspected.numbers(fold=True)
    assert inspected.once(fold=True)["rows"][0][3].startswith('"0 1 2 3 ')
    inspected.feed(
        e.TextDelta(id="t", delta="more"), e.TextEnd(id="t"), e.TextDelta(id="t", delta="again")
    )
    assert inspected.numbers(fold=True) == [number, 100_002, 100_003]


def test_a_long_run_is_looked_through_in_stretches() -> None:
    count = 3 * STRETCH_BYTES // 64
    inspected = InspectedEvents(
        *(e.TextDelta(id="t", delta="x" if number % 1000 else "needle") for number in range(count))
    )
    first = inspected.once(text="needle")
    assert 0 < first["seen"] < count
    assert inspected.numbers(text="needle") == list(range(1, count + 1, 1000))


def test_what_came_since_is_found_without_looking_at_the_rest_again() -> None:
    inspected = InspectedEvents(*CALL)
    assert inspected.numbers(text="rows") == [3]
    inspected.feed(e.ToolResult(id="c", content="more rows"))
    assert inspected.numbers(text="rows") == [3, 4]
    assert inspected.once(text="rows")["count"] == 4


@given(st.lists(HOSTILE, min_size=1, max_size=300))
def test_pages_fit_into_a_message_and_miss_no_row(texts: list[str]) -> None:
    inspected = InspectedEvents(*(e.Custom(name="x", data={text: text * 20}) for text in texts))
    assert len(inspected.once()["rows"]) <= PAGE_ROWS
    assert inspected.numbers() == list(range(1, len(texts) + 1))


def test_events_that_are_no_longer_kept_keep_their_place() -> None:
    large = "x" * (MAX_LOG_BYTES // 3)
    inspected = InspectedEvents(*(e.TextDelta(id="t", delta=large) for _ in range(5)))
    rows = inspected.once()["rows"]
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert [len(row) for row in rows] == [1, 1, 1, 4, 4]
    with pytest.raises(LookupError, match="event 1 is no longer kept"):
        inspected.text("event/1")
    assert inspected.numbers(type="text.delta") == [4, 5]


@given(HOSTILE, st.integers(20, 200))
def test_one_event_is_its_json_in_pages(text: str, max_bytes: int) -> None:
    inspected = InspectedEvents(e.ToolResult(id="c", content={"text": text, "number": 2**60}))
    shown = json.loads(inspected.text("event/1", max_bytes))
    assert shown["content"]["number"] == str(2**60)  # a browser would round it
    assert shown["type"] == "tool.result"


@pytest.mark.parametrize(
    "name",
    ["events/", 'events/{"at":-1}', "events/[]", "event/", "event/-1", "event/2", "copy/word"],
)
def test_what_is_no_question_is_said_to_be_none(name: str) -> None:
    with pytest.raises(LookupError):
        InspectedEvents(e.RunStart()).text(name)


def test_the_timeline_has_the_times_of_the_header_and_the_footer() -> None:
    inspected = InspectedEvents()
    inspected.transcript.root.props["started"] = (
        100.0  # when `show` was called; the service takes a while
    )
    inspected.feed(
        e.RunStart(ts=101.5),
        e.ToolStart(id="c", name="f", ts=102.0),
        e.ToolArgsDelta(id="c", delta="{}", ts=102.0),
        e.ApprovalRequest(approval_id="a", tool_id="c", ts=103.0),
        e.ApprovalResponse(approval_id="a", decision="approve", ts=106.0),
        e.ToolResult(id="c", ts=106.5),
        e.RunEnd(status="completed", ts=106.7),
    )
    line = json.loads(inspected.text("timeline"))
    assert (line["start"], line["first_token"], line["end"], line["gap_count"]) == (
        100.0,
        102.0,
        106.7,
        0,
    )
    assert [bar.get("waited") for bar in line["bars"]] == [None, 3.0]


def test_the_timeline_of_a_long_run_comes_in_stretches() -> None:
    inspected = InspectedEvents(
        *(
            e.TextDelta(id=f"t{number}", delta="x", ts=float(number))
            for number in range(MAX_TIMELINE_EVENTS + 10)
        )
    )
    assert json.loads(inspected.text("timeline"))["seen"] == MAX_TIMELINE_EVENTS
    whole = json.loads(inspected.text("timeline"))
    assert whole["seen"] == whole["count"] == MAX_TIMELINE_EVENTS + 10
    assert whole["bars"][0]["block"] == f"t{MAX_TIMELINE_EVENTS + 9}"  # the newest, as many as fit


def test_older_bars_are_asked_for_by_the_number_of_the_one_after_them() -> None:
    calls = 3_000
    inspected = InspectedEvents()
    for number in range(calls):
        id, at = f"c{number}", float(number)
        inspected.feed(e.StepStart(ts=at), e.ToolStart(id=id, name="f", ts=at))
        inspected.feed(e.ToolResult(id=id, ts=at))
    answer = json.loads(inspected.text("timeline"))
    bars = answer["bars"]
    while len(bars) < answer["total"]:
        answer = json.loads(inspected.text(f"timeline/{answer['total'] - len(bars)}"))
        assert answer["to"] == answer["total"] - len(bars)
        bars += answer["bars"]
    assert (answer["steps"], answer["left_out"], len(bars)) == (calls, 0, 2 * calls)
    assert [bar["block"] for bar in bars if bar["kind"] == "tool"] == [
        f"c{number}" for number in reversed(range(calls))
    ]


async def test_the_copies_are_the_runs_own_words() -> None:
    run = Run(iter([*CALL, e.TextDelta(id="t", delta="Three rows.")]), name="analyst")
    run.start()
    await run
    texts = {
        form: run.page(f"copy/{form}", 0, BATCH_BYTES)[0] for form in ("markdown", "json", "python")
    }
    assert texts["markdown"] == run.to_markdown()
    assert json.loads(texts["json"]) == run.snapshot()
    scope: dict[str, Any] = {}
    exec(texts["python"], scope)
    assert scope["messages"][1] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": '{"rows":3}',
    }
    assert "Three rows." in run.to_html()


async def test_what_is_hidden_cannot_be_asked_for() -> None:
    thought = e.ReasoningDelta(id="r", delta="the secret thought")
    run = Run(iter([thought, *CALL]), reveal="answer", name="analyst")
    run.start()
    await run
    asked = [
        "events/{}",
        'events/{"text":"secret"}',
        "timeline",
        "copy/markdown",
        "copy/json",
        "copy/python",
    ]
    asked += [f"event/{number + 1}" for number in range(len(run.events))]
    answers = "".join(run.page(name, 0, BATCH_BYTES)[0] for name in asked)
    assert "secret thought" not in answers
    assert "load" not in answers
    assert "thinking" in answers  # that something is hidden is no secret
