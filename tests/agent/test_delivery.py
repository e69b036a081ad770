"""Pieces and pace of an agent's texts."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbagent
from nbagent import events as e
from nbagent.agent.delivery import Delivery, Pieces, Put


def deltas(events: Sequence[e.Event]) -> list[str]:
    return [event.delta for event in events if isinstance(event, e.TextDelta | e.ReasoningDelta)]


def fed(delivery: Delivery, events: Sequence[e.Event]) -> list[e.Event]:
    pieces = Pieces(delivery)
    return [piece for event in events for piece in pieces.feed(event)]


def text(*pieces: str) -> list[e.Event]:
    deltas: list[e.Event] = [
        e.TextDelta(id="t", delta=piece, step=1, agent="a") for piece in pieces
    ]
    return [e.TextStart(id="t"), *deltas, e.TextEnd(id="t")]


@given(st.lists(st.text(max_size=9), max_size=9), st.integers(1, 12))
def test_pieces_have_the_size_and_lose_nothing(texts: list[str], size: int) -> None:
    made = fed(Delivery(chunk_chars=size), text(*texts))
    assert "".join(deltas(made)) == "".join(texts)
    assert all(len(piece) == size for piece in deltas(made)[:-1])
    assert all(0 < len(piece) <= size for piece in deltas(made))
    assert [type(event) for event in (made[0], made[-1])] == [e.TextStart, e.TextEnd]


def test_without_streaming_a_text_comes_when_it_is_complete() -> None:
    made = fed(Delivery(streaming=False), text("Hel", "lo"))
    assert deltas(made) == ["Hello"]
    assert isinstance(made[-1], e.TextEnd)


def test_texts_that_come_at_the_same_time_stay_apart() -> None:
    events: list[e.Event] = [
        e.TextDelta(id="a", delta="12"),
        e.TextDelta(id="b", delta="xy"),
        e.TextDelta(id="a", delta="3"),
        e.TextEnd(id="b"),
    ]
    made = fed(Delivery(chunk_chars=3), [*events, e.TextEnd(id="a")])
    assert [(event.id, event.delta) for event in made if isinstance(event, e.TextDelta)] == [
        ("a", "123"),
        ("b", "xy"),
    ]


def test_thoughts_can_be_left_out() -> None:
    thought: list[e.Event] = [
        e.ReasoningStart(id="r"),
        e.ReasoningDelta(id="r", delta="hm"),
        e.ReasoningEnd(id="r"),
    ]
    assert deltas(fed(Delivery(), thought)) == ["hm"]
    assert deltas(fed(Delivery(chunk_chars=1), thought)) == ["h", "m"]
    assert fed(Delivery(thinking=False), thought) == []


async def test_no_more_is_read_while_the_buffer_is_full() -> None:
    produced: list[e.Event] = []
    taken: list[e.Event] = []
    turn = asyncio.Semaphore(0)
    room = asyncio.Event()

    async def produce(put: Put) -> None:
        for event in text(*"abcdefghij"):
            await put(event)
            produced.append(event)
            if len(produced) == 5:
                # The start, one on its way, and four that wait: the fifth put has to wait.
                room.set()

    async def put(event: e.Event) -> None:
        await turn.acquire()
        taken.append(event)

    task = asyncio.create_task(Delivery(delay_s=1e-6, buffer_chars=4).deliver(produce, put))
    await room.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(produced) == 5
    for _ in range(12):
        turn.release()
    await task
    assert deltas(taken) == list("abcdefghij")


async def test_the_next_piece_waits_for_the_delay() -> None:
    """The delay is longer than any test: one piece comes."""
    taken: list[e.Event] = []

    async def produce(put: Put) -> None:
        for event in text("a", "b"):
            await put(event)

    async def put(event: e.Event) -> None:
        taken.append(event)

    task = asyncio.create_task(Delivery(delay_s=1000).deliver(produce, put))
    for _ in range(20):
        await asyncio.sleep(0)
    assert deltas(taken) == ["a"]
    task.cancel()
    await task
    assert deltas(taken) == ["a", "b"]


@pytest.mark.parametrize("at", [0, 1, 3])
async def test_stop_puts_what_waits_at_once(at: int) -> None:
    """The delay is longer than any test: only a hurried end comes through."""
    taken: list[e.Event] = []
    reached = asyncio.Event()

    async def produce(put: Put) -> None:
        try:
            for number, event in enumerate(text(*"abcdef")):
                if number == at:
                    reached.set()
                await put(event)
        except asyncio.CancelledError:
            await put(e.RunEnd(status="cancelled"))

    async def put(event: e.Event) -> None:
        taken.append(event)

    task = asyncio.create_task(Delivery(delay_s=1000, buffer_chars=3).deliver(produce, put))
    await reached.wait()
    task.cancel()
    await task
    assert isinstance(taken[-1], e.RunEnd)
    assert "".join(deltas(taken)) == "abcdef"[: len(deltas(taken))]


async def test_an_agents_stream_is_delivered_and_its_whole_answer_is_not_delayed() -> None:
    plain = nbagent.Agent("demo")
    quiet = nbagent.Agent("demo", delivery=Delivery(thinking=False, chunk_chars=7))
    slow = nbagent.Agent("demo", delivery=Delivery(delay_s=1000))
    events = [event async for event in quiet.stream("Who are you?")]
    assert not [event for event in events if isinstance(event, e.ReasoningStart)]
    assert {len(piece) for piece in deltas(events)[:-1]} == {7}
    assert (
        "".join(deltas(events))
        == await plain.generate("Who are you?")
        == await slow.generate("Who are you?")
    )
