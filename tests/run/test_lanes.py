"""Several streams in one run: each in its lane, in the order of arrival, and independent of the
others.
"""

import asyncio
import itertools
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from agent.server import Server, say
from hypothesis import given
from hypothesis import strategies as st
from run.by_hand import ByHand, Taken

import nbagent
from nbagent import events as e
from nbagent.blocks.end import end_label
from nbagent.errors import Cancelled, StreamError, UnknownSource
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.transcript import Transcript

AGENT: list[e.Event] = [
    e.RunStart(model="m"),
    e.StepStart(),
    e.ToolStart(id="t", name="search"),
    e.ToolArgs(id="t", args={"q": 1}),
    e.ToolResult(id="t", content=2),
    e.TextStart(id="a"),
    e.TextDelta(id="a", delta="It is 2."),
    e.TextEnd(id="a"),
    e.StepEnd(usage=e.Usage(input=10, output=5)),
    e.RunEnd(status="completed"),
]


def run_of(*sources: Any, **options: Any) -> Run:
    run = Run(Lanes(sources, **options))
    run.start()
    return run.wait()


def results(run: Run) -> dict[str, tuple[str, str]]:
    return {lane.name: (lane.status, lane.text) for lane in run.lanes}


def words(name: str, *words: str, error: Exception | None = None) -> Any:
    def stream() -> Iterator[str]:
        yield from words
        if error is not None:
            raise error

    stream.__name__ = name
    source = stream()
    source.__name__ = name  # type: ignore[attr-defined]
    return source


def test_each_stream_has_a_lane_with_its_own_ids() -> None:
    run = run_of(words("poet", "A ", "rose."), iter(AGENT), iter(AGENT))
    assert results(run) == {
        "poet": ("completed", "A rose."),
        "m": ("completed", "It is 2."),
        "m 2": ("completed", "It is 2."),
    }
    assert [(call.name, call.args, call.result) for call in run.tools] == [
        ("search", {"q": 1}, 2)
    ] * 2
    assert (run.status, run.text) == ("completed", "")
    assert (run.usage.input, run.usage.output) == (20, 10)


def create(*events: e.Event) -> Iterator[e.Event]:
    yield from events


def test_a_lane_is_named_by_the_user_else_for_its_agent_else_its_model_else_its_function() -> None:
    streams = [
        create(e.RunStart(name="Analyst", model="gemma")),
        create(e.StepStart(model="gemma")),
        create(e.StepStart(model="gemma")),
        create(e.TextDelta(id="a", delta="Hi")),
        create(e.RunStart(name="Analyst", model="gemma")),
    ]
    run = run_of(*streams, names=[None, None, None, None, "mine"])
    names = [lane.name for lane in run.lanes]
    # The number is that of the lane that says its model later: either.
    assert [names[0], {*names[1:3]}, *names[3:]] == [
        "Analyst",
        {"gemma", "gemma 2"},
        "create 4",
        "mine",
    ]
    assert run.name == "5 streams"
    assert all(lane.seconds is not None for lane in run.lanes)


def test_lanes_of_one_agent_keep_their_numbers_when_it_says_its_name() -> None:
    with Server(*[say("chat", "Hi.")] * 3) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat", name="analyst")
        run = run_of(*(agent.stream("Hello") for _ in range(3)))
    assert [lane.name for lane in run.lanes] == ["analyst 1", "analyst 2", "analyst 3"]


def test_a_few_streams_of_different_names_name_their_run() -> None:
    assert Run(Lanes([words("one"), words("two")])).name == "one, two"
    assert Run(Lanes([create(), create()])).name == "2 streams"


def test_the_transcript_says_how_many_streams_there_are_before_all_have_begun() -> None:
    transcript = Transcript("lanes")
    for event in Taken(Lanes([ByHand(name) for name in "abc"], concurrency=1)).events:
        transcript.feed(event)
    assert transcript.snapshot()[0]["lanes"] == 3


def test_a_lane_has_the_results_of_a_run() -> None:
    run = run_of(iter(AGENT), words("bad", "Ho", error=OSError("cut")), names=["Oslo", "Rome"])
    oslo, rome = run.lanes
    assert (oslo.name, oslo.status, oslo.text, oslo.answer, oslo.error) == (
        "Oslo",
        "completed",
        "It is 2.",
        "It is 2.",
        None,
    )
    assert (oslo.usage.input, oslo.usage.output) == (10, 5)
    assert [(call.name, call.result) for call in oslo.tools] == [("search", 2)]
    assert oslo.tools["search"].args == {"q": 1}
    assert (rome.name, rome.status, rome.tools, rome.usage) == ("Rome", "failed", [], e.Usage())
    assert str(rome.error) == "cut"
    types = [event.type for event in rome.events]
    assert (types[0], types[-1]) == ("agent.start", "agent.end")
    assert {"text.start", "text.delta", "text.end", "error"} < set(types)
    # but for the run's own start and end
    assert len(oslo.events) + len(rome.events) == len(run.events) - 2


def test_a_run_of_many_streams_is_named_for_their_number() -> None:
    assert Lanes([iter(["a"])] * 30).name == "30 streams"


def test_lanes_as_a_table() -> None:
    run = run_of(iter(AGENT), words("bad", "Ho", error=OSError("cut")), names=["Oslo", None])
    table = run.lanes_df()
    assert list(table.columns) == [
        "name",
        "status",
        "seconds",
        "text",
        "tools",
        "input",
        "output",
        "error",
    ]
    assert table.drop(columns="seconds").astype(object).where(
        table.notna(), None
    ).to_numpy().tolist() == [
        ["Oslo", "completed", "It is 2.", 1, 10, 5, None],
        ["bad", "failed", "Ho", 0, None, None, "cut"],
    ]


def test_a_cut_lane_says_the_same_in_the_table_and_in_documents() -> None:
    cut = [
        e.RunStart(),
        e.TextDelta(id="t", delta="It"),
        e.StepStart(),
        e.StepEnd(usage=e.Usage(output=12)),
    ]
    run = run_of(
        [*cut, e.RunEnd(status="incomplete", code="length")], iter(AGENT), names=["Oslo", "Rome"]
    )
    assert list(run.lanes_df()["error"].astype(object).fillna("")) == [
        "Cut off at 12 tokens (max_tokens)",
        "",
    ]
    assert re.search(r"Incomplete · <?\d+\.\ds · 2 / 2, 1 cut off", run.to_markdown())
    assert "**Oslo** · Cut off at 12 tokens (max_tokens) · 12 out" in run.to_markdown()
    assert re.search(
        r"⊘ <strong>Oslo</strong> · (&lt;)?\d+\.\ds · 12 out · Cut off at 12 tokens", run.to_html()
    )


def test_a_stopped_lane_says_who_stopped_it() -> None:
    transcript = Transcript()
    for event in Taken(Lanes([ByHand("a")])).close(Cancelled("time-out")):
        transcript.feed(event)
    assert end_label(transcript.blocks["lane-1"].props) == "Stopped by time-out"


def test_a_stream_that_fails_leaves_the_others() -> None:
    run = run_of(words("good", "Hi"), words("bad", "Ho", error=OSError("cut")))
    assert results(run) == {"good": ("completed", "Hi"), "bad": ("failed", "Ho")}
    assert (run.status, [event.message for event in run.events if isinstance(event, e.Error)]) == (
        "incomplete",
        ["cut"],
    )
    assert run_of(words("a", error=OSError("x")), words("b", error=OSError("y"))).status == "failed"


def test_no_more_are_read_at_a_time_than_asked_for() -> None:
    open_now, most, lock = 0, 0, threading.Lock()

    def stream() -> Iterator[str]:
        nonlocal open_now, most
        with lock:
            open_now += 1
            most = max(most, open_now)
        yield "Hi"
        with lock:
            open_now -= 1

    run = run_of(*(stream() for _ in range(9)), concurrency=2)
    assert most <= 2
    assert [lane.text for lane in run.lanes] == ["Hi"] * 9


async def test_stop_ends_every_lane_and_begins_none_that_waited() -> None:
    begun: list[int] = []

    async def endless(number: int) -> AsyncIterator[str]:
        begun.append(number)
        yield "Hi"
        await asyncio.Event().wait()

    run = Run(Lanes([endless(number) for number in range(3)], concurrency=2))
    run.start()
    async for event in run.stream("text.delta"):
        assert isinstance(event, e.TextDelta)
        run.cancel()
    await run
    assert run.status == "cancelled"
    assert begun == [0, 1]
    assert {lane.status for lane in run.lanes} == {"cancelled"}


@pytest.mark.parametrize("word", ["lane", "Hi"])
def test_a_rule_that_raises_ends_the_run(word: str) -> None:
    def rule(text: str) -> str:
        if word == text:
            raise LookupError(word)
        return text

    run = Run(Lanes([words("lane", "Hi"), words("other", "Ho")]), name="run", redact=[rule])
    run.start()
    assert (run.wait(60).status, str(run.error)) == ("failed", word)


async def test_all_took_too_long_though_one_is_done() -> None:
    stalled = ByHand("slow")
    run = Run(Lanes([words("quick", "Hi"), stalled]))
    run.start()
    stalled.item("Ho")
    async for _ in run.stream("agent.end"):
        break
    assert not run._pipeline.on_timeout(StreamError("It was not done after 60 s", "timeout"))
    await run
    assert (run.status, [lane.status for lane in run.lanes]) == ("failed", ["completed", "failed"])


def test_show_takes_several(capsys: pytest.CaptureFixture[str]) -> None:
    run = nbagent.show(words("one", "1"), words("two", "2"))
    assert (run.name, [lane.name for lane in run.lanes]) == ("one, two", ["one", "two"])
    assert "1" in capsys.readouterr().out


@pytest.mark.parametrize("together", [list, tuple])
def test_a_list_or_tuple_of_streams_is_shown_in_lanes(
    together: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = nbagent.show(together([words("a", "x"), words("b", "y")]))
    assert results(run) == {"a": ("completed", "x"), "b": ("completed", "y")}
    capsys.readouterr()


def test_a_list_may_have_runs_that_have_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    run = nbagent.show([Run(words("a", "x")), words("b", "y")])
    assert results(run) == {"a": ("completed", "x"), "b": ("completed", "y")}
    capsys.readouterr()


ITEM = {
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}],
}


@pytest.mark.parametrize(
    ("items", "text"),
    [
        (["Hel", "lo"], "Hello"),
        (["https://a.example/", "wss://b.example/"], "https://a.example/wss://b.example/"),
        ([ITEM, "[DONE]"], "Hi"),
        (AGENT, "It is 2."),
        ([{"text": "Hi"}], "Hi"),
    ],
)
def test_a_list_of_items_is_one_stream(
    items: list[Any], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = nbagent.show(items)
    assert (run.lanes, run.text) == ([], text)
    capsys.readouterr()


def test_what_is_no_stream_or_no_number_is_refused() -> None:
    with pytest.raises(UnknownSource, match="got int"):
        Lanes([words("a"), 3])
    with pytest.raises(ValueError, match="must be at least 1; got 0"):
        Lanes([words("a")], concurrency=0)


@given(
    st.lists(st.integers(0, 2), max_size=40),
    st.lists(st.sampled_from([None, "cut"]), min_size=3, max_size=3),
)
def test_lanes_say_the_same_however_their_items_are_mixed(
    order: list[int], ends: list[str | None]
) -> None:
    def transcript(order: list[int]) -> list[Any]:
        streams = [ByHand(name) for name in "abc"]
        taken = Taken(Lanes(streams))
        left: list[list[Callable[[], None]]] = [
            [
                *(partial(stream.item, event) for event in AGENT[: None if end is None else 7]),
                partial(stream.end, None if end is None else OSError(end)),
            ]
            for stream, end in zip(streams, ends, strict=True)
        ]
        for lane in order:
            if left[lane]:
                left[lane].pop(0)()
        for step in itertools.chain.from_iterable(left):
            step()
        reduced = Transcript()
        for event in taken.close():
            reduced.feed(event)
        assert reduced.ended
        return sorted(
            (str(block.id).rpartition(":")[0] or block.id, block.parent, block.closed, block.text())
            for block in reduced.blocks.values()
        )

    assert transcript(order) == transcript([])


def test_a_live_value_is_shown_in_a_lane_as_in_a_run_of_its_own() -> None:
    def stream() -> Iterator[e.Event]:
        yield e.ToolStart(id="t", name="load")
        yield e.ToolResult(id="t", value=e.Live([1, 2]))

    run = nbagent.show({"a": stream(), "b": stream()}, face="console")
    displays = [event.display for event in run.events if isinstance(event, e.ToolResult)]
    assert [shown.summary if shown else None for shown in displays] == ["[1, 2]", "[1, 2]"]
