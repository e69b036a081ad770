"""The transcript as it was at any event: the kernel's answers, applied step by step as the view
does.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from chat.test_chat import ended
from hypothesis import given
from hypothesis import strategies as st
from reader import play
from streams import event_streams

import nbagent
from nbagent import events as e
from nbagent.events.log import MAX_LOG_BYTES
from nbagent.gate import Gate
from nbagent.protocol.messages import Say
from nbagent.pump import BATCH_BYTES
from nbagent.run import Run
from nbagent.run.inspector import time_travel
from nbagent.run.lanes import Lanes
from nbagent.run.state import RunState
from nbagent.sources.info import SourceInfo
from nbagent.transcript import Transcript

Blocks = list[dict[str, Any]]


class RecordedRun:
    """A run of these events, which have passed the gate, and what a view reads of its past."""

    def __init__(self, events: Sequence[e.Event]) -> None:
        self.state = RunState("run", SourceInfo(), Gate(), "test")
        self.feed(*events)

    def feed(self, *events: e.Event) -> None:
        for event in events:
            self.state.add(event)

    def text(self, name: str) -> str:
        text = ""
        while True:
            page, size = self.state.read_page(name, len(text), BATCH_BYTES)
            text += page
            if len(text) >= size:
                return text

    def stretch(self, after: int, to: int = 10**9) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text(f"past/{after}-{to}"))
        return answer

    def moments(self, stretch: int = 10**9) -> Iterator[tuple[int, Blocks]]:
        """Yield the number of each event and the blocks as they were after it, read in answers of
        so many events.
        """
        blocks: dict[str, dict[str, Any]] = {}
        at = 0
        while at < self.state.events.count:
            answer = self.stretch(at, at + stretch)
            at = answer["first"] - 1
            if answer["opening"]:
                blocks = play(answer["opening"])
                yield at, shown(blocks.values())
            grew = ["", ""]
            for step in answer["steps"]:
                for op in [["append", *grew, step]] if isinstance(step, str) else step:
                    play([op], blocks)
                    grew = op[1:3]
                at += 1
                yield at, shown(blocks.values())


def shown(blocks: Any) -> Blocks:
    """Return copies of the blocks, without the counters that a view is sent once a second."""
    return [
        {name: value for name, value in block.items() if name not in ("events", "words")}
        for block in blocks
    ]


def reduced(run: RecordedRun, count: int) -> Blocks:
    """Return the transcript of the run's first events, as the run itself made it."""
    transcript = Transcript("test", run.state.transcript.root.props["started"], "user")
    for event in run.state.events.newest(run.state.events.count)[:count]:
        transcript.feed(event)
    return shown(transcript.snapshot())


@given(event_streams(), st.integers(1, 20))
def test_every_moment_is_the_transcript_of_the_events_so_far(
    events: list[e.Event], stretch: int
) -> None:
    run = RecordedRun(events)
    moments = list(run.moments(stretch))
    assert [number for number, _ in moments] == list(range(run.state.events.count + 1))
    for number, blocks in moments:
        assert blocks == reduced(run, number)


def read(run: Run) -> list[Blocks]:
    """Return the moments of a run, each as the view reads it."""
    recorded = RecordedRun([])
    recorded.state = run._state
    return [blocks for _, blocks in recorded.moments()]


def test_the_last_moment_of_lanes_is_what_they_show() -> None:
    run = Run(Lanes([iter(["one ", "two"]), iter(["three"])]))
    run.start()
    run.wait()
    assert read(run)[-1] == shown(run.snapshot())


async def test_an_earlier_version_of_a_chat_is_replaced_from_that_moment_on() -> None:
    chat = nbagent.chat(lambda messages: [str(len(messages))])
    await chat.ask("first")
    before = chat.run.snapshot()
    prompt = next(block["id"] for block in before if block["kind"] == "prompt")
    ended(chat, lambda: chat.run.take(Say(text="other", instead_of=prompt)))
    moments = read(chat.run)
    assert moments[-1] == shown(chat.run.snapshot())
    assert shown(before) in moments
    chat.close()


def test_a_delta_takes_little_more_than_its_text() -> None:
    run = RecordedRun([e.TextDelta(id="text", delta="word ") for _ in range(1000)])
    assert len(run.text("past/0-1000")) < 16 * 1000


def test_an_answer_ends_after_a_bounded_number_of_events_and_bytes() -> None:
    run = RecordedRun(
        [e.TextDelta(id="text", delta="word ") for _ in range(time_travel.STRETCH_EVENTS + 1)]
    )
    assert len(run.stretch(0)["steps"]) == time_travel.STRETCH_EVENTS
    run = RecordedRun(
        [e.TextDelta(id="text", delta="x" * time_travel.STRETCH_BYTES) for _ in range(3)]
    )
    assert len(run.stretch(0)["steps"]) == 1


def test_the_times_and_tags_of_the_events_come_along() -> None:
    run = RecordedRun(
        [e.RunStart(name="a"), e.TextDelta(id="t", delta="a"), e.TextDelta(id="t", delta="b")]
    )
    answer = run.stretch(0)
    assert [answer["tags"][index] for index in answer["types"]] == [
        "run.start",
        "text.delta",
        "text.delta",
    ]
    events = list(run.state.events)
    assert [sum(answer["times"][: n + 1]) for n in range(3)] == [
        round(1000 * event.ts) for event in events
    ]


def test_a_live_run_is_read_on_where_the_last_answer_ended() -> None:
    run = RecordedRun([e.TextDelta(id="t", delta="a")])
    assert run.stretch(0)["first"] == 1
    run.feed(e.TextDelta(id="t", delta="b"))
    answer = run.stretch(1)
    assert (answer["first"], answer["opening"], answer["steps"]) == (
        2,
        [],
        [[["append", "t", "text", "b"]]],
    )
    assert answer["count"] == 2


def test_a_run_is_reduced_once_however_many_answers_it_takes() -> None:
    run = RecordedRun([e.TextDelta(id="t", delta="a") for _ in range(100)])
    with patch.object(
        time_travel._Replay, "feed", autospec=True, side_effect=time_travel._Replay.feed
    ) as feed:
        list(run.moments(7))
    assert feed.call_count == 100


def test_an_answer_that_was_lost_is_given_again() -> None:
    run = RecordedRun([e.TextDelta(id="t", delta=str(number)) for number in range(9)])
    run.stretch(0, 3)
    first = run.stretch(3, 6)
    run.stretch(6, 9)
    assert run.stretch(3, 6) == first


def test_the_past_begins_behind_the_events_that_the_log_has_dropped() -> None:
    large = "x" * (MAX_LOG_BYTES // 4)
    events = [e.TextDelta(id=str(number), delta=large + str(number)) for number in range(6)]
    run = RecordedRun(events)
    dropped = run.state.events.dropped
    assert dropped > 0
    moments = dict(run.moments())
    assert list(moments) == list(range(dropped, 7))
    whole = Transcript("test", run.state.transcript.root.props["started"], "user")
    for number, event in enumerate(events, 1):
        whole.feed(event)
        if number >= dropped:
            assert texts(moments[number]) == texts(whole.snapshot())


def texts(blocks: Blocks) -> list[tuple[str, int]]:
    """Return the id of each block, and the characters of its text."""
    return [(block["id"], len(block.get("text", ""))) for block in blocks]


def test_a_reader_whose_next_event_was_dropped_begins_anew() -> None:
    large = "x" * (MAX_LOG_BYTES // 4)
    run = RecordedRun([e.TextDelta(id="t", delta="a"), e.TextDelta(id="t", delta="b")])
    assert run.stretch(0, 1)["first"] == 1
    run.feed(*(e.TextDelta(id="t", delta=large) for _ in range(6)))
    answer = run.stretch(1)
    assert answer["first"] == run.state.events.dropped + 1 > 2
    assert answer["opening"][0][1] == "run"


PICTURES: list[e.Event] = [
    e.ToolStart(id="a/b", name="plot"),
    e.ToolResult(
        id="a/b", preliminary=True, display=e.Display(summary="1", data={"image/png": "A" * 20_000})
    ),
    e.ToolResult(id="a/b", display=e.Display(summary="2", data={"image/png": "B" * 30_000})),
    e.File(id="f", media_type="text/csv", data="C" * 20_000),
    e.Custom(name="state", data={"rows": ["D" * 10_000, "E" * 10_000]}),
]


def test_a_large_value_is_read_as_the_event_has_left_it() -> None:
    run = RecordedRun(PICTURES)
    moments = dict(run.moments())
    for number, letter in ((2, "A"), (3, "B")):
        marker = next(block for block in moments[number] if block["id"] == "a/b")["result"][
            "image/png"
        ]
        assert set(run.text(marker["part"])) == {letter}
        assert len(run.text(marker["part"])) == marker["size"]
    file = next(block for block in moments[5] if block["kind"] == "file")
    assert run.text(file["data"]["part"]) == "C" * 20_000
    custom = next(block for block in moments[5] if block["kind"] == "custom")
    assert json.loads(run.text(custom["data"]["part"])) == {"rows": ["D" * 10_000, "E" * 10_000]}


def test_a_large_value_of_a_dropped_event_is_read_from_the_oldest_moment() -> None:
    large = "x" * (MAX_LOG_BYTES // 4)
    run = RecordedRun([*PICTURES, *(e.TextDelta(id="t", delta=large) for _ in range(8))])
    _, blocks = next(run.moments())
    marker = next(block for block in blocks if block["id"] == "a/b")["result"]["image/png"]
    assert marker["part"].startswith("past/0/")
    assert run.text(marker["part"]) == "B" * 30_000
    with pytest.raises(LookupError, match="event 2 is no longer kept"):
        run.text("past/2/result/a/b/image/png")


@pytest.mark.parametrize(
    "name",
    ["past/", "past/1", "past/a-b", "past/-1-2", "past/1-", "past/x/result/a/b", "past/9/prop/a/b"],
)
def test_a_question_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(LookupError):
        RecordedRun([]).text(name)


def test_what_the_gate_hides_is_not_in_the_past() -> None:
    events: list[e.Event] = [
        e.ReasoningDelta(id="r", delta="a secret thought"),
        e.ReasoningEnd(id="r"),
        e.ToolStart(id="c", name="login"),
        e.ToolArgs(id="c", args={"password": "hunter2"}, args_text='{"password": "hunter2"}'),
        e.TextDelta(id="t", delta="card 1234567890123456"),
        e.TextEnd(id="t"),
        e.RunEnd(status="completed"),
    ]
    run = Run(iter(events), reveal="tools", hide={"login": "args"}, redact=[r"\d{16}"])
    run.start()
    run.wait()
    text = run.page("past/0-100", 0, BATCH_BYTES)[0]
    assert "card" in text
    for secret in ("secret thought", "hunter2", "1234567890123456"):
        assert secret not in text
