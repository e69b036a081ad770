"""Every run that is shown inside the block is recorded as it comes, and replays unchanged."""

import asyncio
import errno
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbagent
from nbagent import events as e
from nbagent.run import Run
from nbagent.sources.recording import recorders


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
    assert [event.delta for event in nbagent.load(path) if isinstance(event, e.TextDelta)] == [
        "Hello"
    ]
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


def test_each_of_several_runs_plays_by_itself_also_where_they_went_on_together(
    tmp_path: Path,
) -> None:
    path, turn = tmp_path / "kept.jsonl", threading.Barrier(2)

    def stream(*words: str) -> Iterator[str]:
        for word in words:
            turn.wait()
            yield word

    with nbagent.record(path):
        runs = [Run(stream("Hel", "lo")), Run(stream("Good", "bye"))]
        for run in runs:
            run.start()
        for run in runs:
            run.wait()
        runs.append(nbagent.show(iter(["Thanks"])))
    played = [nbagent.show(nbagent.replay(path, run=number)) for number in (1, 2, 3)]
    assert sorted(run.text for run in played) == ["Goodbye", "Hello", "Thanks"]
    assert [run.status for run in played] == ["completed"] * 3
    messages = [
        event.message for run in played for event in run.events if isinstance(event, e.Status)
    ]
    assert messages == [
        f"kept.jsonl keeps more than one run: run={number} is the next" for number in (2, 3)
    ]
    fourth = nbagent.show(nbagent.replay(path, run=4))
    assert (fourth.status, str(fourth.error)) == (
        "failed",
        "kept.jsonl holds 3 runs; there is no run 4",
    )
    with pytest.raises(ValueError, match="from 1; got 0"):
        nbagent.replay(path, run=0)


def test_a_file_that_is_still_being_written_is_not_begun_again(tmp_path: Path) -> None:
    path, go = tmp_path / "kept.jsonl", threading.Event()

    def stream() -> Iterator[str]:
        yield "Hello"
        go.wait()

    with nbagent.record(path) as recorder:
        run = Run(stream())
        run.start()
    with (
        pytest.raises(FileExistsError, match=r"kept\.jsonl' is being written"),
        nbagent.record(path),
    ):
        raise AssertionError("never entered")
    go.set()
    run.wait()
    assert nbagent.load(path) == run.events
    with recorder:
        again = [nbagent.show(iter(["one"])), nbagent.show(iter(["two"]))]
    assert nbagent.load(path) == [event for run in again for event in run.events]


def test_a_recording_on_a_disk_that_is_full_ends_at_a_line_it_had_room_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = 500

    class Disk(io.FileIO):
        def write(self, data: Any) -> int:
            nonlocal room
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            took = super().write(bytes(data)[: min(room, 10)])
            room -= took
            return took

    with nbagent.record(tmp_path / "kept.jsonl") as recorder:
        assert recorder._file is not None
        recorder._file.close()
        recorder._file = Disk(tmp_path / "kept.jsonl", "a")
        run = nbagent.show(iter(["Hello"] * 9))
    *kept, error = nbagent.load(tmp_path / "kept.jsonl")
    assert (kept, run.status) == (run.events[: len(kept)], "completed")
    assert len(kept) > 1
    assert isinstance(error, e.Error)
    assert "cannot be written" in caplog.text


async def test_a_replay_says_how_long_things_took_however_fast_it_plays(tmp_path: Path) -> None:

    nbagent.sources.recording.save(EVENTS, tmp_path / "run.jsonl")
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
