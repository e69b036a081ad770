"""Ops are joined while they wait, and paced."""

import json
import multiprocessing
import threading
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbagent.pump import BATCH, GAP, INTERVAL, LAG, SLOWEST, Channel, Outbox, pump


class Page:
    """A face that keeps what it is given, and can be waited for."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[list[Any]]]] = []
        self.drawn = threading.Event()

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        self.batches.append((seq, ops))
        self.drawn.set()

    def redraw(self, seq: int) -> None:
        self.batches.append((seq, [["everything"]]))
        self.drawn.set()


def drained(*ops: Any) -> list[list[Any]]:
    outbox = Outbox()
    outbox.feed(ops)
    return outbox.drain()


def test_appends_to_one_field_become_one() -> None:
    assert drained(("append", "t", "text", "a"), ("append", "t", "text", "b")) == [["append", "t", "text", "ab"]]


def test_appends_join_across_other_blocks() -> None:
    ops = drained(("append", "a", "text", "1"), ("append", "b", "text", "x"), ("append", "a", "text", "2"))
    assert ops == [["append", "a", "text", "12"], ["append", "b", "text", "x"]]


def test_a_set_in_between_keeps_its_place() -> None:
    ops = drained(("append", "a", "text", "1"), ("set", "a", {"text": ""}), ("append", "a", "text", "2"))
    assert ops == [["append", "a", "text", "1"], ["set", "a", {"text": ""}], ["append", "a", "text", "2"]]


def test_sets_of_one_block_become_one() -> None:
    assert drained(("set", "a", {"x": 1, "y": 1}), ("set", "a", {"x": 2})) == [["set", "a", {"x": 2, "y": 1}]]


def test_joining_does_not_touch_the_callers_props() -> None:
    props = {"x": 1}
    drained(("set", "a", props), ("set", "a", {"x": 2}))
    assert props == {"x": 1}


@given(st.lists(st.text(alphabet="aé😀", max_size=40)), st.integers(1, 64))
def test_batches_of_any_size_carry_the_whole_text(pieces: list[str], limit: int) -> None:
    outbox, got = Outbox(), ""
    outbox.feed(("append", "t", "text", piece) for piece in pieces)
    while outbox:
        batch = outbox.drain(limit)
        assert batch, "every batch must make progress"
        got += "".join(op[3] for op in batch)
    assert got == "".join(pieces)


def test_a_batch_stays_within_its_bytes() -> None:
    outbox = Outbox()
    outbox.feed([("append", "t", "text", "é" * BATCH)])
    while outbox:
        assert sum(len(op[3].encode()) for op in outbox.drain()) <= BATCH


@example(["\x01" * 40] * 30, 300)
@given(st.lists(st.text(alphabet='aé😀"\n\x01', max_size=40), max_size=30), st.integers(300, 600))
def test_a_batch_of_text_stays_within_its_bytes_however_it_is_escaped(pieces: list[str], limit: int) -> None:
    outbox = Outbox()
    outbox.feed(("append", f"t{len(piece) % 3}", "text", piece) for piece in pieces)
    while outbox:
        assert len(json.dumps([op[3] for op in outbox.drain(limit)], ensure_ascii=False).encode()) <= limit


def test_a_long_text_is_cut_once_and_not_for_every_batch() -> None:
    outbox = Outbox()
    outbox.feed([("append", "t", "text", "x" * (10 * BATCH))])
    outbox.drain()
    assert max(map(len, outbox._queue[0][3])) < BATCH / 4


def channel_of(page: Page) -> Channel:
    return Channel(page, threading.RLock())


def test_text_waits_for_the_interval_and_a_change_of_state_does_not() -> None:
    channel = channel_of(Page())
    channel._outbox.feed([("append", "t", "text", "a")])
    channel.flush(now=100.0)
    channel._outbox.feed([("append", "t", "text", "b")])
    assert channel.due(100.0) == pytest.approx(INTERVAL)
    channel._urgent = channel._outbox.feed([("close", "t")])
    assert channel.due(100.0) == pytest.approx(GAP)
    assert channel.due(100.0 + GAP) == 0


def test_a_reader_that_lags_is_sent_fewer_batches() -> None:
    channel = channel_of(Page())
    channel.seq = LAG
    channel.ack(0)
    assert channel.interval == INTERVAL
    channel.seq = 2 * LAG
    assert channel.interval == 2 * INTERVAL
    channel.seq = 100 * LAG
    assert channel.interval == SLOWEST
    channel.ack(channel.seq)
    assert channel.interval == INTERVAL


def test_the_pump_delivers_in_order_without_gaps() -> None:
    page = Page()
    channel = channel_of(page)
    with channel._lock:
        channel.feed([("open", "t", "run", {"kind": "text"})])
    assert page.drawn.wait(5)
    with channel._lock:
        channel.feed([("append", "t", "text", "x")])
    channel.finish()
    assert [seq for seq, _ in page.batches] == [1, 2]
    assert page.batches[-1][1] == [["append", "t", "text", "x"]]


def test_a_redraw_takes_the_place_of_what_is_queued() -> None:
    page = Page()
    channel = channel_of(page)
    with channel._lock:  # held, so that the pump cannot flush in between
        channel.feed([("append", "t", "text", "x")])
        channel.redraw()
    assert page.drawn.wait(5)
    channel.finish()
    assert page.batches == [(1, [["everything"]])]


def test_a_face_that_fails_does_not_stop_the_others(caplog: Any) -> None:
    class Broken(Page):
        def draw(self, seq: int, ops: list[list[Any]]) -> None:
            raise OSError("the terminal is gone")

    broken, page = channel_of(Broken()), Page()
    with broken._lock:
        broken.feed([("close", "t")])
    fine = channel_of(page)
    with fine._lock:
        fine.feed([("close", "t")])
    assert page.drawn.wait(5)
    assert pump() is pump()


def test_a_failing_face_is_reported_once_and_its_reader_sees_the_gap(caplog: Any) -> None:
    class Gone(Page):
        def draw(self, seq: int, ops: list[list[Any]]) -> None:
            super().draw(seq, ops)
            if seq < 3:
                raise OSError("the terminal is gone")

    page = Gone()
    channel = channel_of(page)
    for _ in range(3):
        channel._outbox.feed([("close", "t")])
        channel.finish()
    assert [seq for seq, _ in page.batches] == [1, 2, 3]
    told = [record.message for record in caplog.records if "Gone" in record.message]  # the pump serves other tests' faces, too
    assert told == ["Gone stopped drawing"]


def test_what_cannot_be_encoded_does_not_hold_up_the_rest() -> None:
    page = Page()
    channel = channel_of(page)
    channel._outbox.feed([("set", "t", {"x": object()})])
    channel.finish()
    channel._outbox.feed([("close", "t")])
    channel.finish()
    assert page.batches == [(2, [["close", "t"]])]


def test_a_reader_that_asks_over_and_over_is_answered_at_the_pace_of_batches() -> None:
    channel = channel_of(Page())
    channel._redraw = True
    channel.flush(now=100.0)
    channel._redraw = True
    assert channel.due(100.0) == pytest.approx(GAP)


def test_an_acknowledgement_of_what_was_never_sent_counts_for_what_was() -> None:
    channel = channel_of(Page())
    channel.seq = 1
    channel.ack(10**9)
    channel.seq = 1 + 2 * LAG
    assert channel.interval == 2 * INTERVAL


def draw_in_a_child() -> None:
    page = Page()
    channel = channel_of(page)
    with channel._lock:
        channel.feed([("close", "t")])
    assert page.drawn.wait(20)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_pump_that_runs() -> None:
    pump()
    child = multiprocessing.get_context("fork").Process(target=draw_in_a_child)
    child.start()
    child.join(30)
    assert child.exitcode == 0
