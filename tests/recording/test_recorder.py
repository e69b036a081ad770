"""Whatever is shown inside the block is kept, as it comes, and plays again as it was."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbagent
from nbagent import events as e
from nbagent.recording import recorders
from nbagent.run import Run


def test_what_is_shown_in_the_block_is_kept_and_nothing_else(tmp_path: Path) -> None:
    nbagent.show(iter(["before"]))
    with nbagent.record(tmp_path / "kept.jsonl"):
        run = nbagent.show(iter(["Hello, ", "you"]))
    nbagent.show(iter(["after"]))
    assert nbagent.load(tmp_path / "kept.jsonl") == run.events
    assert recorders() == []


def test_a_run_is_kept_as_it_comes_and_to_its_end_behind_the_block(tmp_path: Path) -> None:
    path, go = tmp_path / "kept.jsonl", threading.Event()

    def stream() -> Iterator[str]:
        yield "Hello"
        go.wait()
        yield ", you"

    with nbagent.record(path):
        run = Run(stream())
        shown = threading.Event()
        run.start()

        async def first() -> None:
            async for event in run.stream("text.delta"):
                assert isinstance(event, e.TextDelta)
                shown.set()
                break

        asyncio.run(first())
    assert shown.is_set()
    assert [event.delta for event in nbagent.load(path) if isinstance(event, e.TextDelta)] == ["Hello"]
    go.set()
    run.wait()
    assert nbagent.load(path) == run.events


def test_a_run_that_hides_is_kept_as_it_was_seen(tmp_path: Path) -> None:
    with nbagent.record(tmp_path / "kept.jsonl"):
        nbagent.show(iter(["<think>Xyzzy</think>Hi"]), reveal="answer")
    assert "Xyzzy" not in (tmp_path / "kept.jsonl").read_text()


def test_a_file_that_cannot_be_written_is_refused_on_entering(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), nbagent.record(tmp_path / "nowhere" / "kept.jsonl"):
        raise AssertionError("never entered")
    assert recorders() == []


async def test_a_replay_says_how_long_things_took_however_fast_it_plays(tmp_path: Path) -> None:

    nbagent.recording.save(EVENTS, tmp_path / "run.jsonl")
    for speed in (None, 1000.0):
        run = Run(nbagent.replay(tmp_path / "run.jsonl", speed))
        run.start()
        await run
        times = [event.ts for event in run.events]
        assert [round(ts - times[0], 3) for ts in times] == [0.0, 0.5, 0.5, 2.5, 2.5]


EVENTS: list[e.Event] = [
    e.RunStart(ts=100.0),
    e.ReasoningStart(id="r", ts=100.5),
    e.ReasoningDelta(id="r", delta="Hm.", ts=100.5),
    e.ReasoningEnd(id="r", ts=102.5),
    e.RunEnd(ts=102.5, status="completed"),
]
