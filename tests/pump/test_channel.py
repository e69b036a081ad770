"""A channel to a renderer in this process: joined, paced, and isolated from the failures of
others.
"""

import multiprocessing
import threading
import time
from typing import Any

import pytest

from nbagent.pump import LocalChannel, pump


class RecordingRenderer:
    """Renderer that keeps its batches, and can be waited for."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[list[Any]]]] = []
        self.drawn = threading.Event()

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        self.batches.append((seq, ops))
        self.drawn.set()


def channel_of(page: RecordingRenderer) -> LocalChannel:
    return LocalChannel(page, threading.RLock())


def test_the_pump_delivers_in_order_without_gaps() -> None:
    page = RecordingRenderer()
    channel = channel_of(page)
    channel.feed([("open", "t", "run", {"kind": "text"})])
    assert page.drawn.wait(5)
    channel.feed([("append", "t", "text", "x")])
    channel.finish(lambda: None, time.monotonic())
    assert [seq for seq, _ in page.batches] == [1, 2]
    assert page.batches[-1][1] == [["append", "t", "text", "x"]]


def test_a_face_that_fails_does_not_stop_the_others(caplog: Any) -> None:
    class Broken(RecordingRenderer):
        def draw(self, seq: int, ops: list[list[Any]]) -> None:
            raise OSError("the terminal is gone")

    broken, page = channel_of(Broken()), RecordingRenderer()
    broken.feed([("close", "t")])
    fine = channel_of(page)
    fine.feed([("close", "t")])
    assert page.drawn.wait(5)
    assert pump() is pump()


def test_a_failing_face_is_reported_once_and_its_reader_sees_the_gap(caplog: Any) -> None:
    class Gone(RecordingRenderer):
        def draw(self, seq: int, ops: list[list[Any]]) -> None:
            super().draw(seq, ops)
            if seq < 3:
                raise OSError("the terminal is gone")

    page = Gone()
    channel = channel_of(page)
    for _ in range(3):
        channel._outbox.feed([("close", "t")])
        channel.finish(lambda: None, time.monotonic())
    assert [seq for seq, _ in page.batches] == [1, 2, 3]
    # the pump serves other tests' renderers, too
    messages = [record.message for record in caplog.records if "Gone" in record.message]
    assert messages == ["Gone stopped drawing"]


def draw_in_a_child() -> None:
    page = RecordingRenderer()
    channel = channel_of(page)
    channel.feed([("close", "t")])
    assert page.drawn.wait(20)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_pump_that_runs() -> None:
    pump()
    child = multiprocessing.get_context("fork").Process(target=draw_in_a_child)
    child.start()
    child.join(30)
    assert child.exitcode == 0
