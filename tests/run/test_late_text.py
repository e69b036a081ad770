"""Deltas of text that wait for one another: nobody sees that they do."""

import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run.by_hand import ByHand
from streams import event_streams

import nbagent
from nbagent import events as e
from nbagent.run import Run, late_text
from nbagent.sources.recording import save

START: list[e.Event] = [e.RunStart(), e.TextStart(id="text")]
KEY = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2


def fed(*events: e.Event) -> tuple[ByHand, Run]:
    """Return a stream and its run, to which these events have come."""
    stream = ByHand("by hand")
    run = Run(stream)
    run.start()
    for event in events:
        stream.item(event)
    return stream, run


def texts(*deltas: str) -> list[e.Event]:
    return [e.TextDelta(id="text", delta=delta) for delta in deltas]


class Page:
    """A renderer that knows what it has drawn."""

    def __init__(self) -> None:
        self.text = ""
        self.batches: list[list[list[Any]]] = []
        self.changed = threading.Condition()

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        with self.changed:
            self.batches.append(ops)
            self.text += "".join(op[3] for op in ops if op[0] == "append")
            self.changed.notify_all()


def test_what_waits_is_there_for_whoever_reads_the_run() -> None:
    _, run = fed(*START, *texts("Hel", "lo", "!"))
    assert run.event_count == 5
    assert run.text == "Hello!"
    deltas = [event for event in run.events if isinstance(event, e.TextDelta)]
    assert [event.delta for event in deltas] == ["Hel", "lo", "!"]
    assert [event.seq for event in deltas] == [3, 4, 5]
    assert deltas[0].ts <= deltas[1].ts <= deltas[2].ts


def test_what_waits_is_drawn_though_nothing_follows() -> None:
    page, (stream, run) = Page(), fed(*START)
    run.attach(page)
    for event in texts(*"Hello!"):
        stream.item(event)
    with page.changed:
        assert page.changed.wait_for(lambda: page.text == "Hello!", 5)


@pytest.mark.parametrize("options", [{"redact": ["lo"]}, {"reveal": "tools"}])
def test_where_something_is_hidden_nothing_waits(options: dict[str, Any]) -> None:
    stream = ByHand("by hand")
    run = Run(stream, **options)
    run.start()
    for event in [*START, *texts("Hel", "lo", "!")]:
        stream.item(event)
    assert run._pipeline._late_text.waiting == []
    assert run.text.startswith("Hel")


def test_a_delta_keeps_the_time_at_which_it_came() -> None:
    with mock.patch("time.time", side_effect=itertools.count(100.0)):
        _, run = fed(*START, *texts("Hel", "lo", "!"))
        assert run.text == "Hello!"
    times = [event.ts for event in run.events]
    assert times == sorted(times)
    assert len(set(times[2:])) == 3


def test_a_delta_of_a_recording_keeps_its_recorded_time(tmp_path: Path) -> None:
    recorded = [*START, *texts("Hel", "lo", "!"), e.RunEnd(status="completed")]
    timed = [msgspec.structs.replace(each, ts=50.0 + at) for at, each in enumerate(recorded)]
    save(timed, tmp_path / "run.jsonl")
    run = Run(nbagent.replay(tmp_path / "run.jsonl", speed=None)).wait(5)
    deltas = [event for event in run.events if isinstance(event, e.TextDelta)]
    assert [event.ts - run.events[0].ts for event in deltas] == [2, 3, 4]


def test_no_panel_is_drawn_empty_while_its_text_waits() -> None:
    page, (stream, run) = Page(), fed(*START)
    run.attach(page)
    thought: list[e.Event] = [e.ReasoningStart(id="r"), e.ReasoningDelta(id="r", delta="Why?")]
    with run._state.lock:
        for event in thought:
            stream.item(event)
    with page.changed:
        assert page.changed.wait_for(lambda: page.text == "Why?", 5)
    assert "reasoning" in [op[3]["kind"] for op in page.batches[-1] if op[0] == "open"]


def test_other_events_come_after_the_text_before_them() -> None:
    call = e.ToolStart(id="call", name="search")
    _, run = fed(*START, *texts("Hel", "lo"), call, *texts("!"))
    assert [event.type for event in run.events[2:]] == [
        "text.delta",
        "text.delta",
        "tool.start",
        "text.delta",
    ]


def test_a_follower_gets_each_delta_at_once() -> None:
    got = threading.Semaphore(0)
    stream = ByHand("by hand")
    run = Run(stream).on("text.delta", lambda _: got.release())
    run.start()
    for event in [*START, *texts("Hel", "lo", "!")]:
        stream.item(event)
    for _ in range(3):
        assert got.acquire(timeout=5)
    stream.end()


def test_text_that_waits_is_kept_when_the_run_is_cancelled() -> None:
    _, run = fed(*START, *texts("Hel", "lo", "!"))
    run.cancel()
    run.wait(5)
    assert (run.status, run.text) == ("cancelled", "Hello!")


def test_only_so_many_wait() -> None:
    stream, run = fed(*START, *texts(*["word "] * late_text.MAX_WAITING))
    assert len(run._pipeline._late_text.waiting) == late_text.MAX_WAITING
    stream.item(*texts("word"))
    assert run._pipeline._late_text.waiting == []


def test_a_fault_in_adding_ends_the_run_and_not_who_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, run = fed(*START, *texts("Hel", "lo", "!"))
    fault = RuntimeError("no room")

    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(run._state, "add_text", fail)
    assert run.text == ""
    run.wait(5)
    assert (run.status, run.error) == ("failed", fault)


@given(st.lists(st.integers(1, len(KEY) + 40), max_size=8))
def test_a_key_that_is_cut_anywhere_is_masked(cuts: Sequence[int]) -> None:
    text = f"The key is {KEY}, and that is all."
    edges = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    stream, run = fed(*START, *texts(*(text[a:b] for a, b in itertools.pairwise(edges))))
    stream.end()
    run.wait(5)
    assert KEY not in run.text
    assert run.text.startswith("The key is sk")
    assert run.text.endswith(", and that is all.")
    assert not any(KEY[4:20] in getattr(event, "delta", "") for event in run.events)


def shown(events: Sequence[e.Event]) -> list[tuple[Any, ...]]:
    """Return the events without times and numbers, neighbouring deltas of one text joined."""
    plain: list[tuple[Any, ...]] = []
    for event in events:
        event = msgspec.structs.replace(event, seq=0, ts=0.0, run_id="")
        last = plain[-1] if plain else ()
        if isinstance(event, (e.TextDelta, e.ReasoningDelta)):
            head = (event.type, event.id, event.parent_id, event.raw, event.meta)
            if last[:-1] == head:
                plain[-1] = (*head, last[-1] + event.delta)
            else:
                plain.append((*head, event.delta))
        else:
            plain.append((event,))
    return plain


@given(event_streams())
def test_a_run_has_the_same_events_as_if_none_had_waited(events: list[e.Event]) -> None:
    stream, waited = fed(*events)
    stream.end()
    waited.wait(5)
    with mock.patch.object(late_text, "MAX_WAITING", 0):
        stream, at_once = fed(*events)
        stream.end()
        at_once.wait(5)
    assert shown(waited.events) == shown(at_once.events)
    assert waited.text == at_once.text
