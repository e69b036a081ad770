import asyncio
from pathlib import Path
from typing import Any

import pytest
from adapters.recorded import CHAT, RESPONSES, decode, payloads

from nbagent import events as ev
from nbagent.adapters.openai_chat.decoder import ChatDecoder
from nbagent.run import Run
from nbagent.sources.recording import load, replay, save
from nbagent.sources.recording.file import DAMAGED
from nbagent.sources.wire import json_stream

EVENTS: list[ev.Event] = [
    ev.RunStart(seq=1, ts=100.0),
    ev.TextDelta(seq=2, ts=100.5, id="text-1", delta="Grüße\n😀"),
    ev.RunEnd(seq=3, ts=102.5, status="completed"),
]


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    events = decode(ChatDecoder(), payloads(CHAT[0]))
    save(events, tmp_path / "run.jsonl")
    assert load(tmp_path / "run.jsonl") == events


def test_what_cannot_be_encoded_does_not_cost_the_recording(tmp_path: Path) -> None:
    class BrokenModel:
        def model_dump(self, mode: str) -> None:
            raise ValueError

    odd: list[ev.Event] = [
        ev.TextDelta(id="t", delta="\ud83d"),
        ev.Custom(name="x", data={"\ud83d": float("nan")}),
    ]
    ring: list[Any] = []
    ring.append(ring)
    odd += [ev.Custom(name="y", data=BrokenModel()), ev.Custom(name="z", data=ring)]
    save([*EVENTS, *odd, EVENTS[0]], tmp_path / "run.jsonl")
    *kept, delta, custom, named, lost, last = load(tmp_path / "run.jsonl")
    assert (kept, last) == (EVENTS, EVENTS[0])
    assert (delta, custom) == (
        ev.TextDelta(id="t", delta="\ufffd"),
        ev.Custom(name="x", data={"\ufffd": None}),
    )
    assert named == ev.Custom(name="y", data="<BrokenModel>")
    assert isinstance(lost, ev.Status)


def test_a_recording_cut_anywhere_keeps_every_whole_line_and_says_where_it_breaks_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.jsonl"
    save(EVENTS, path)
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        *lines, rest = whole[:cut].split(b"\n")
        # only the line's end is missing
        is_whole = not rest or whole[cut : cut + 1] in (
            b"\n",
            b"",
        )
        loaded = load(path)
        errors = [event for event in loaded if isinstance(event, ev.Error)]
        assert len(errors) == (not is_whole)
        assert [event for event in loaded if event not in errors] == EVENTS[
            : len(loaded) - len(errors)
        ]
        if errors:
            assert errors[0].code == DAMAGED
            assert f"from line {len(lines) + 1} on" in errors[0].message


NESTED = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
DAMAGES = {
    "bytes": b"\x00\xff",
    "nested": NESTED,
    "nested in an event": b'{"type":"custom","name":"x","data":' + NESTED + b"}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.usefixtures("no_garbage")
def test_a_recording_that_is_damaged_plays_up_to_the_damage(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(EVENTS, path)
    header, start, delta, end = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + start + damage + b"\n" + delta + end)
    *loaded, error = load(path)
    assert loaded == EVENTS[:1]
    assert isinstance(error, ev.Error)
    assert f"from line 3 on (byte {len(header + start):,})" in error.message
    run = Run(replay(path))
    run.start()
    assert (run.wait().status, str(run.error)) == ("failed", error.message)


def test_a_recording_may_have_a_line_of_too_many_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUES", 100)
    path = tmp_path / "run.jsonl"
    save(EVENTS[:1], path)
    path.write_bytes(path.read_bytes() + b"[" + b"1," * 200 + b"1]\n")
    *loaded, error = load(path)
    assert loaded == EVENTS[:1]
    assert isinstance(error, ev.Error)


def test_a_line_that_is_not_utf_8_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save(EVENTS, path)
    path.write_bytes(path.read_bytes().replace("Grüße".encode(), "Grüße".encode("latin-1")))
    start, delta, end = load(path)
    assert [start, end] == [EVENTS[0], EVENTS[2]]
    assert isinstance(delta, ev.Raw)
    assert delta.data["delta"] == "Gr\ufffd\ufffde\n😀"


def test_a_recording_without_a_header_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(ev.to_json(event) + b"\n" for event in EVENTS))
    assert load(path) == EVENTS


def test_a_line_that_is_no_event_is_kept_raw(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"type":"from.the.future"}\nnot json\n\n' + ev.to_json(EVENTS[0]) + b"\n")
    loaded = load(path)
    assert [event.data for event in loaded if isinstance(event, ev.Raw)] == [
        {"type": "from.the.future"},
        "not json",
    ]
    assert loaded[-1] == EVENTS[0]


class Clock:
    """The loop's time, advanced only by sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        monkeypatch.setattr(asyncio, "sleep", self.sleep)
        monkeypatch.setattr(type(asyncio.get_running_loop()), "time", lambda loop: self.now)

    async def sleep(self, delay: float) -> None:
        self.slept.append(delay)
        self.now += delay


async def test_replay_keeps_the_pace_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    save(EVENTS, path)
    clock = Clock(monkeypatch)
    assert [item async for item in replay(path, speed=1)] == EVENTS
    assert clock.slept == [0.5, 2.0]
    clock.slept.clear()
    assert [item async for item in replay(path, speed=2)] == EVENTS
    assert clock.slept == [0.25, 1.0]
    clock.slept.clear()
    assert [item async for item in replay(path)] == EVENTS
    assert clock.slept == []
    clock.slept.clear()
    assert [item async for item in replay(path, rate=4)] == EVENTS
    assert clock.slept == [0.25, 0.25]


@pytest.mark.parametrize("path", [RESPONSES[0], CHAT[0]])
async def test_a_providers_recording_gives_its_payloads(path: Path) -> None:
    assert [item async for item in replay(path)] == payloads(path)


async def test_lines_of_another_system_are_its_items(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"message":{"content":"Hi"},"done":false}\n')
    assert [item async for item in replay(path)] == [{"message": {"content": "Hi"}, "done": False}]


DOCUMENTS = {
    '{\n "a": 1\n}\n{\n "b": 2\n}\n': [{"a": 1}, {"b": 2}],
    '\ufeff[{"a": 1}, {"b": 2}]': [{"a": 1}, {"b": 2}],
    '{"a": 1} {"b": ': [{"a": 1}, '{"b": '],
    "Said it.\nDone.\n": ["Said it.\nDone.\n"],
    "": [],
}


@pytest.mark.parametrize(("text", "items"), DOCUMENTS.items())
@pytest.mark.parametrize("suffix", [".json", ".txt"])
async def test_documents_are_items_however_they_are_laid_out(
    tmp_path: Path, text: str, items: list[object], suffix: str
) -> None:
    path = (tmp_path / "run").with_suffix(suffix)
    path.write_text(text, encoding="utf-8")
    assert [item async for item in replay(path)] == items


async def test_a_body_is_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = tmp_path / "captured.log"
    path.write_text(': ping\n\nevent: error\ndata: {"error":"no"}\n\n')
    assert [item async for item in replay(path)] == [{"event": "error", "data": {"error": "no"}}]
    path.write_text('["updates",{"a":1}]\n["values",{}]\n')
    assert [item async for item in replay(path.rename(tmp_path / "run.ndjson"))] == [
        ["updates", {"a": 1}],
        ["values", {}],
    ]


@pytest.mark.parametrize("pace", [{"speed": -1.0}, {"rate": -1.0}, {"speed": 1.0, "rate": 1.0}])
def test_a_pace_that_makes_no_sense_is_refused(pace: Any) -> None:
    with pytest.raises(ValueError, match="speed"):
        replay("never opened.jsonl", **pace)


def test_a_recording_that_is_not_there_is_named_at_once() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl"):
        replay("nowhere.jsonl")
