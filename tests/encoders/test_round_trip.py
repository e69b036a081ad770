"""What an encoder wrote, read again, is the same run but for what the encoder says is lost."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from adapters.recorded import FOLDER
from campaign import WHOLE, sample
from encoders.lost import UNSAID, without
from encoders.pictures import decoded, encoded, picture, settled
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import event_streams

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.encoders import ENCODERS
from nbagent.recording import replay
from nbagent.run import Run

BY_NAME = pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.system)
RECORDINGS = sorted(FOLDER.glob("*/*.*"))
END = ev.RunEnd(status="incomplete", code=ev.STREAM_TRUNCATED)


@cache
def recorded(path: Path) -> list[ev.Event]:
    """The events of a recording, as a run shows them when it reveals all."""
    run = Run(replay(path), reveal="all")
    run.start()
    return run.wait(60).events


def check(encoder: type[BaseEncoder], events: list[ev.Event], items: list[Item]) -> None:
    """The items say the events, but for what is lost."""
    again = settled(decoded(encoder(), items))
    assert picture(without(again, encoder(), UNSAID & encoder.loses)) == picture(without(settled(events), encoder()))


@BY_NAME
def test_a_recording_told_and_read_is_the_same_but_for_what_is_lost(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 60):
        check(encoder, recorded(path), encoded(encoder(), recorded(path)))


@BY_NAME
def test_what_breaks_off_is_told_as_that(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 12):
        events = recorded(path)[:-1]
        for cut in sorted({0, 1, len(events) // 3, len(events) // 2, len(events)}):
            check(encoder, [*events[:cut], END], encoded(encoder(), events[:cut]))


@BY_NAME
def test_an_error_in_the_middle_is_told_and_ends_the_stream(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 12):
        events = [event for event in recorded(path)[:-1] if not (isinstance(event, ev.Error) and event.fatal)]
        half = events[: len(events) // 2]
        told = encoder()
        items = [*(item for event in half for item in told.feed(event)), *told.close(ConnectionError("the peer hung up"))]
        error = ev.Error(message="the peer hung up", error_type="ConnectionError", fatal=True)
        check(encoder, [*half, error, ev.RunEnd(status="failed")], items)


@given(event_streams())
@settings(deadline=None, max_examples=3000 if WHOLE else 60)
def test_any_stream_told_and_read_is_the_same_but_for_what_is_lost(events: list[ev.Event]) -> None:
    for encoder in ENCODERS:
        check(encoder, events, encoded(encoder(), events))


@given(event_streams(), st.data())
@settings(deadline=None, max_examples=1000 if WHOLE else 20)
def test_any_stream_may_break_off_anywhere(events: list[ev.Event], data: st.DataObject) -> None:
    cut = events[: data.draw(st.integers(1, len(events) - 1))]
    whole: list[Any] = [event for event in cut if not (isinstance(event, ev.Error) and event.fatal)]
    for encoder in ENCODERS:
        check(encoder, [*whole, END], encoded(encoder(), whole))
