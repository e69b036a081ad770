"""A run that waits for its reader: its stream ends, the run does not, and the next stream goes on
with it.
"""

import pytest
from adapters.recorded import RECORDINGS, Recording

from nbagent import events as ev
from nbagent.adapters.detect import DetectingDecoder, go_on, pause
from nbagent.errors import Cancelled

every_recording = pytest.mark.parametrize("recording", RECORDINGS, ids=str)


def fed(recording: Recording) -> tuple[DetectingDecoder, list[ev.Event]]:
    decoder = DetectingDecoder(lambda: recording.system)
    return decoder, [event for item in recording.items for event in decoder.feed(item)]


def end_of(events: list[ev.Event]) -> ev.RunEnd:
    assert isinstance(events[-1], ev.RunEnd)
    return events[-1]


@every_recording
def test_a_run_pauses_where_it_would_end_as_paused(recording: Recording) -> None:
    ended, _ = fed(recording)
    closed = list(ended.close())
    waits, begun = fed(recording)
    if any(isinstance(event, ev.RunEnd) for event in begun):
        return
    last = pause(waits)
    assert (last is not None) == (end_of(closed).status == "paused" or is_plain(waits, begun))
    assert [*(last or ()), *waits.close()] == closed  # nothing is lost if no answer comes


def is_plain(decoder: DetectingDecoder, events: list[ev.Event]) -> bool:
    """Return True for events without a run around them, of which nobody can say that they are
    all.
    """
    return decoder.system == "nbagent" and not any(
        isinstance(event, ev.RunStart) for event in events
    )


@every_recording
def test_a_run_that_waits_is_stopped_or_goes_on(recording: Recording) -> None:
    stopped, events = fed(recording)
    last = pause(stopped)
    if last is None:
        return
    cancelled = [*events, *last, *stopped.close(Cancelled())]
    assert end_of(cancelled).status == "cancelled"
    decoder, events = fed(recording)
    events += pause(decoder) or ()
    go_on(decoder)
    events += [event for item in recording.items for event in decoder.feed(item)]
    events += decoder.close()
    kinds = [type(event) for event in events]
    assert (kinds.count(ev.RunStart), kinds.count(ev.RunEnd)) == (1, 1)
    started = [
        event.id
        for event in events
        if isinstance(event, ev.TextStart | ev.ReasoningStart | ev.ToolStart)
    ]
    assert len(started) == len(set(started))
