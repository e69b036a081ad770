"""Encoded and decoded again, a run is the same except for the losses that its encoder lists."""

from functools import cache
from pathlib import Path
from typing import Any

from adapters.encoders.expected import FILLED_IN, without_lost
from adapters.encoders.normalized import EACH_ENCODER, blocks_of, decoded, encoded, normalized
from adapters.recorded import FOLDER
from campaign import EXAMPLES, WHOLE, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import event_streams

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.encoders import encoders
from nbagent.run import Run
from nbagent.sources.recording import replay

RECORDINGS = sorted(FOLDER.glob("*/*.*"))
END = ev.RunEnd(status="incomplete", code=ev.STREAM_TRUNCATED)


@cache
def recorded(path: Path) -> list[ev.Event]:
    """Return the events of a recording, as a run with `reveal="all"` has them."""
    run = Run(replay(path), reveal="all")
    run.start()
    return run.wait(60).events


def check(encoder: type[BaseEncoder], events: list[ev.Event], items: list[Item]) -> None:
    """Assert that the decoded items equal the events, except for the losses."""
    decoded_again = normalized(decoded(encoder(), items))
    assert blocks_of(
        without_lost(decoded_again, encoder(), FILLED_IN & encoder.loses)
    ) == blocks_of(without_lost(normalized(events), encoder()))


@EACH_ENCODER
def test_a_recording_survives_except_for_the_losses(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 60):
        check(encoder, recorded(path), encoded(encoder(), recorded(path)))


@EACH_ENCODER
def test_events_that_end_early_make_a_stream_that_broke_off(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 12):
        events = recorded(path)[:-1]
        for cut in sorted({0, 1, len(events) // 3, len(events) // 2, len(events)}):
            check(encoder, [*events[:cut], END], encoded(encoder(), events[:cut]))


@EACH_ENCODER
def test_an_error_while_reading_is_encoded_and_ends_the_stream(encoder: type[BaseEncoder]) -> None:
    for path in sample(RECORDINGS, 12):
        events = [
            event
            for event in recorded(path)[:-1]
            if not (isinstance(event, ev.Error) and event.fatal)
        ]
        half = events[: len(events) // 2]
        instance = encoder()
        items = [
            *(item for event in half for item in instance.feed(event)),
            *instance.close(ConnectionError("the peer hung up")),
        ]
        error = ev.Error(message="the peer hung up", error_type="ConnectionError", fatal=True)
        check(encoder, [*half, error, ev.RunEnd(status="failed")], items)


@given(event_streams())
@settings(deadline=None, max_examples=EXAMPLES if WHOLE else 25)
def test_any_stream_survives_except_for_the_losses(events: list[ev.Event]) -> None:
    for encoder in encoders():
        check(encoder, events, encoded(encoder(), events))


@given(event_streams(), st.data())
@settings(deadline=None, max_examples=EXAMPLES if WHOLE else 20)
def test_any_stream_may_end_early_anywhere(events: list[ev.Event], data: st.DataObject) -> None:
    cut = events[: data.draw(st.integers(1, len(events) - 1))]
    whole: list[Any] = [event for event in cut if not (isinstance(event, ev.Error) and event.fatal)]
    for encoder in encoders():
        check(encoder, [*whole, END], encoded(encoder(), whole))
