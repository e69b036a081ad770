"""The channel to a view: no data is lost when messages are; few messages, none large; beats that
repair a lost tail.
"""

import gc
import json
import logging
import math
import threading
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from campaign import WHOLE, figure
from hypothesis import given, settings
from hypothesis import strategies as st
from reader import SimulatedView, play
from samples import sample

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.protocol.messages import Break, Command, Step, Stop, Toggle
from nbagent.protocol.ops import Op
from nbagent.pump import BATCH_INTERVAL_S, MIN_GAP_S, LargeValues, Pump, RemoteChannel, pump
from nbagent.pump.remote_channel import (
    BEAT_INTERVAL_S,
    END_FLUSH_TIMEOUT_S,
    MAX_FINAL_BEATS,
    MAX_INTERVAL_S,
    MAX_PENDING_PAGES,
    MAX_UNACKED_BATCHES,
)
from nbagent.run import Run
from nbagent.transcript import Transcript

MESSAGE_BYTES = 64 * 1024
SECRET = "hunter2-hunter2"
EXAMPLES = 2000 if WHOLE else 60


def size_of(message: Any) -> int:
    """Return the bytes of a message as Jupyter writes it, wrapped as ipywidgets does."""
    wrapped = {"comm_id": "0" * 32, "data": {"method": "custom", "content": message}}
    return len(json.dumps(wrapped, ensure_ascii=False, allow_nan=False).encode())


def nothing(_: object) -> None:
    """Return None."""


class ManualPump(Pump):
    """A pump without a thread: the test flushes the channel."""

    def __init__(self) -> None:
        self.woken: set[Any] = set()

    def wake(self, channel: Any) -> None:
        self.woken.add(channel)

    def forget(self, channel: Any) -> None:
        self.woken.discard(channel)


class Harness:
    """A transcript, its channel and a clock; messages go to `on_message`."""

    def __init__(
        self,
        on_message: Callable[[dict[str, Any]], None] = lambda message: None,
        opened_at: float = -math.inf,
    ) -> None:
        self.now = 0.0
        self.times: list[float] = []
        self.messages: list[dict[str, Any]] = []
        self.transcript = Transcript("test", started=0.0)
        self.lock = threading.RLock()
        self.ended = threading.Event()
        self._on_message = on_message
        self._counted: dict[str, int] = {}
        self._waiting: list[e.Event] = []
        self.pump = ManualPump()
        large_values = LargeValues(self._props_of, nothing, str)
        self.page = large_values.page
        self.commands: list[Command] = []
        self.command = self.commands.append
        self.channel = RemoteChannel(
            self,
            self.lock,
            self._before,
            opening=self.transcript.opening,
            externalize=large_values.externalize_large_props,
            pump=self.pump,
            opened_at=opened_at,
        )
        self.channel.feed(self.transcript.opening())

    def send(self, message: dict[str, Any]) -> None:
        assert size_of(message) <= MESSAGE_BYTES
        self.times.append(self.now)
        self.messages.append(message)
        self._on_message(message)

    def _before(self) -> list[Op]:
        waiting, self._waiting = self._waiting, []
        self.take(*waiting)
        return self.transcript.counters(self._counted)

    def _props_of(self, block: str) -> dict[str, Any] | None:
        found = self.transcript.blocks.get(block)
        return None if found is None else found.props

    def take(self, *events: e.Event) -> None:
        for event in events:
            self.channel.feed(self.transcript.feed(event))

    def wait(self, *events: e.Event) -> None:
        """Let events wait until the next batch asks for them."""
        self._waiting += events
        self.channel.expect()

    def finish(self) -> None:
        self.take(e.RunEnd(status="completed"))
        self.channel.finish(self.ended.set, self.now)

    def tick(self, until: float) -> None:
        """Advance the clock, and flush the channel when it is due."""
        while (due := self.channel.due(self.now)) is not None and self.now + due <= until:
            self.now += max(due, 1e-9)
            self.channel.flush(self.now)
        self.now = max(self.now, until)

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.messages]

    def busiest(self) -> int:
        """Return the most messages in any one second."""
        return max(
            (sum(start <= time <= start + 1 for time in self.times) for start in self.times),
            default=0,
        )


def greeted(*events: e.Event) -> Harness:
    """Return a harness whose view has sent hello and acknowledged everything."""
    made = Harness()
    made.take(*events)
    made.channel.receive({"t": "hello", "have": 0})
    made.tick(0.9)
    made.channel.receive({"t": "ack", "seq": made.channel.seq})
    return made


TEXT = e.TextDelta(id="t", delta="word ")


# --- nothing is lost ---

IDS = st.sampled_from(["a", "b"])
EVENTS: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(
        e.TextDelta,
        id=IDS.map("t".__add__),
        delta=st.sampled_from(["word ", "é😀\x01\n", "x" * 90_000, "\x01" * 20_000]),
    ),
    st.builds(
        e.TextEnd, id=IDS.map("t".__add__), text=st.sampled_from([None, "whole", "é" * 70_000])
    ),
    st.builds(e.ToolStart, id=IDS.map("c".__add__), name=st.just("f")),
    st.builds(
        e.ToolArgs, id=IDS.map("c".__add__), args=st.just({"a": 1}), args_text=st.just('{"a": 1}')
    ),
    st.builds(
        e.ToolResult,
        id=IDS.map("c".__add__),
        content=st.sampled_from([1, "x" * 20_000, ["😀"] * 5_000]),
    ),
    st.builds(e.Status, message=st.just("…")),
)
STEPS = st.tuples(
    st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.5, 4.0]),
    st.one_of(EVENTS, st.sampled_from(["hello", "resync", "ack", "need", "toggle"])),
)
# So many messages in a row get lost, in either direction, then so many arrive; at the end all do.
# With five of the six beats after the end of a run lost, one arrives.
LOSSES = st.lists(st.tuples(st.integers(0, MAX_FINAL_BEATS - 1), st.integers(1, 6)), max_size=30)


class LossyConnection:
    """View behind a connection that loses messages in both directions."""

    def __init__(self, losses: list[tuple[int, int]]) -> None:
        self._fate = iter(
            [arrives for lost, kept in losses for arrives in [False] * lost + [True] * kept]
        )
        self.reader = SimulatedView()
        self.asked_at = -math.inf
        self.harness = Harness(self._on_message)

    def _arrives(self) -> bool:
        return next(self._fate, True)

    def send(self, message: dict[str, Any]) -> None:
        if self._arrives():
            self.harness.channel.receive(message)

    def _on_message(self, message: dict[str, Any]) -> None:
        if self._arrives():
            ack = self.reader.receive(message)
            if ack is not None:
                self.send({"t": "ack", "seq": ack})

    def tick(self, until: float) -> None:
        """Advance the clock; a view that is behind asks, and asks again without an answer."""
        while self.harness.now < until:
            if self.reader.behind and self.harness.now >= self.asked_at + 2:
                self.asked_at = self.harness.now
                self.send({"t": "resync"})
            self.harness.tick(min(until, self.harness.now + 0.1))


def test_whatever_gets_lost_the_page_has_everything_in_the_end() -> None:
    held = 0

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.lists(STEPS, max_size=25), LOSSES)
    def check(steps: list[tuple[float, Any]], losses: list[tuple[int, int]]) -> None:
        nonlocal held
        play_with_losses(steps, losses)
        held += 1

    check()
    assert held >= EXAMPLES
    figure("channel", "loss patterns after which the view has everything", held)


def play_with_losses(steps: list[tuple[float, Any]], losses: list[tuple[int, int]]) -> None:
    lossy = LossyConnection(losses)
    for pause, step in steps:
        lossy.tick(lossy.harness.now + pause)
        match step:
            case "hello" | "resync":
                lossy.send({"t": step})  # another page's, or this one's
            case "ack":
                lossy.send({"t": "ack", "seq": lossy.harness.channel.seq})
            case "need":
                lossy.send({"t": "need", "name": "prop/run/name", "at": 0})
            case "toggle":
                lossy.harness.channel.feed(lossy.harness.transcript.toggle("ca", True))
            case event:
                lossy.harness.take(event)
    lossy.harness.finish()
    lossy.tick(lossy.harness.now + 200)
    expected = lossy.harness.transcript
    assert list(lossy.reader.blocks.values()) == travelled(expected)
    assert lossy.harness.busiest() <= 30
    assert lossy.harness.ended.wait(5)
    assert lossy.harness.channel.due(lossy.harness.now) is None  # and then it is silent


def travelled(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the snapshot as it travels: with markers for large values."""
    return list(
        play(
            LargeValues(nothing, nothing, str).externalize_large_props(transcript.opening())
        ).values()
    )


def test_a_lost_last_batch_is_repaired_by_a_beat() -> None:
    made = greeted(TEXT)
    made.finish()
    made.tick(2.5)
    beat = made.messages[-1]
    assert (beat["t"], beat["seq"]) == ("beat", made.channel.seq)


# --- few messages ---


def ask(world: Harness, count: int) -> None:
    for at in range(count):
        world.channel.receive({"t": "need", "name": "prop/run/name", "at": at})


URGES: dict[str, Callable[[Harness], object]] = {
    "text": lambda world: world.take(TEXT),
    "much text": lambda world: world.take(e.TextDelta(id="t", delta="x" * 300_000)),
    "state": lambda world: world.take(e.Status(message="…")),
    "hello": lambda world: world.channel.receive({"t": "hello", "have": 0}),
    "ack": lambda world: world.channel.receive({"t": "ack", "seq": world.channel.seq}),
    "pages": lambda world: ask(world, 40),
    "nothing": lambda world: None,
    "end": lambda world: world.finish(),
}


def test_no_pattern_makes_more_than_30_messages_in_any_second() -> None:
    held = 0

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(sorted(URGES)), st.floats(0, 1.2), st.integers(1, 30)),
            max_size=12,
        )
    )
    def check(pattern: list[tuple[str, float, int]]) -> None:
        nonlocal held
        play_urges(pattern)
        held += 1

    check()
    assert held >= EXAMPLES
    figure("channel", "urgency patterns with at most 29 messages in any second", held)


def play_urges(pattern: list[tuple[str, float, int]]) -> None:
    made = Harness()
    for urge, pause, times in pattern:
        for _ in range(times):
            URGES[urge](made)
            made.tick(made.now + pause / times)
    made.tick(made.now + 5)
    assert made.busiest() <= 29  # one is left for the trait that says how the run ended


def test_text_waits_for_the_interval_and_a_change_of_state_does_not() -> None:
    made = greeted()
    made.take(TEXT)
    made.tick(0.9)
    at = made.times[-1]
    made.take(e.TextDelta(id="t", delta="more"))
    made.now = at
    assert made.channel.due(at) == pytest.approx(BATCH_INTERVAL_S)
    made.take(e.Status(message="…"))
    assert made.channel.due(at) == pytest.approx(MIN_GAP_S)


def test_text_that_waits_goes_with_the_next_batch() -> None:
    run = greeted(TEXT)
    run.tick(1.0)
    sent = len(run.messages)
    run.wait(TEXT)
    run.take(e.ToolStart(id="c", name="f"))
    run.tick(1.0 + MIN_GAP_S)
    assert len(run.messages) == sent + 1
    assert {op[0] for op in run.messages[-1]["ops"]} >= {"open", "append"}


def test_the_pump_is_woken_once_for_text_that_waits_again_and_again() -> None:
    run = greeted(TEXT)
    run.tick(1.0)
    sent = len(run.messages)
    for turn in range(10):
        run.pump.woken.clear()
        run.wait(TEXT)
        assert bool(run.pump.woken) == (turn == 0)
        run.tick(1.0 + (turn + 1) * BATCH_INTERVAL_S)
    assert run.kinds()[sent:] == ["ops"] * 10


def test_nothing_is_sent_for_text_that_was_expected_and_did_not_come() -> None:
    run = greeted()
    run.tick(1.1)
    sent_at, sent = run.times[-1], len(run.messages)
    run.wait()
    run.tick(sent_at + BEAT_INTERVAL_S)
    assert run.kinds()[sent:] == ["beat"]
    assert run.times[-1] == pytest.approx(sent_at + BEAT_INTERVAL_S)


def test_what_comes_while_the_view_is_made_goes_in_one_message() -> None:
    harness = Harness(opened_at=0.0)
    harness.tick(0.01)
    harness.take(TEXT)
    harness.tick(MIN_GAP_S)
    assert harness.times == [MIN_GAP_S]
    assert [op[0] for op in harness.messages[0]["ops"]][:2] == ["open", "open"]


def test_a_reader_that_lags_is_sent_fewer_batches() -> None:
    channel = Harness().channel
    channel.seq = MAX_UNACKED_BATCHES
    channel.receive({"t": "ack", "seq": 0})
    assert channel.interval == BATCH_INTERVAL_S
    channel.seq = 2 * MAX_UNACKED_BATCHES
    assert channel.interval == 2 * BATCH_INTERVAL_S
    channel.seq = 100 * MAX_UNACKED_BATCHES
    assert channel.interval == MAX_INTERVAL_S
    channel.receive({"t": "ack", "seq": channel.seq})
    assert channel.interval == BATCH_INTERVAL_S


def test_an_acknowledgement_of_what_was_never_sent_counts_for_what_was() -> None:
    channel = Harness().channel
    channel.seq = 1
    channel.receive({"t": "ack", "seq": 10**9})
    channel.seq = 1 + 2 * MAX_UNACKED_BATCHES
    assert channel.interval == 2 * BATCH_INTERVAL_S


def test_pages_and_text_take_turns() -> None:
    made = greeted()
    ask(made, 3)
    made.take(e.Status(message="1"))
    before = len(made.messages)
    made.tick(made.now + 0.5)
    assert made.kinds()[before : before + 4] == ["part", "ops", "part", "part"]


def test_pages_and_text_that_waits_take_turns() -> None:
    made = greeted()
    ask(made, 3)
    made.wait(TEXT)
    before = len(made.messages)
    made.tick(made.now + 0.5)
    assert made.kinds()[before : before + 4] == ["part", "ops", "part", "part"]


def test_a_page_is_sent_once_however_often_it_is_asked_for_and_there_is_an_end_to_asking() -> None:
    made = greeted()
    ask(made, 3 * MAX_PENDING_PAGES)
    ask(made, 3 * MAX_PENDING_PAGES)
    made.tick(made.now + 100)
    assert [message["at"] for message in made.messages if message["t"] == "part"] == list(
        range(MAX_PENDING_PAGES)
    )


# --- none large ---

NASTY = {
    "ascii": "x" * 300_000,
    "control": "\x01" * 300_000,
    "astral": "😀" * 100_000,
    "quotes": '"\\' * 100_000,
}
LARGE: dict[str, Callable[[str], list[e.Event]]] = {
    "text": lambda text: [e.TextDelta(id="t", delta=text)],
    "whole text": lambda text: [e.TextEnd(id="t", text=text)],
    "thought": lambda text: [e.ReasoningDelta(id="r", delta=text)],
    "args": lambda text: [e.ToolArgs(id="c", args={"a": text, "b": [text]}, args_text=text)],
    "many args": lambda text: [
        e.ToolArgs(id="c", args={f"{index}": text[:9] for index in range(20_000)})
    ],
    "tool name": lambda text: [e.ToolStart(id="c", name=text, title=text, call_id=text)],
    "result": lambda text: [e.ToolResult(id="c", content={"a": text})],
    "text result": lambda text: [e.ToolResult(id="c", content=text)],
    "bundle": lambda text: [
        e.ToolResult(
            id="c",
            display=e.Display(
                summary=text, data={f"text/{index}": text[:7000] for index in range(500)}
            ),
        )
    ],
    "progress": lambda text: [e.ToolProgress(id="c", message=text, progress=1.0)],
    "error": lambda text: [e.Error(message=text, traceback=text, code=text, error_type=text)],
    "tool error": lambda text: [
        e.ToolResult(
            id="c", status="error", error=e.ErrorInfo(message=text, type=text, traceback=text)
        )
    ],
    "custom": lambda text: [e.Custom(name=text, data=[text])],
    "file": lambda text: [e.File(id="f", media_type=text, data=text, name=text, url=text)],
    "source": lambda text: [e.Source(id="s", url=text, title=text)],
    "each kind": lambda text: [sample(kind.event, text) for kind in KINDS],
    "approval": lambda text: [
        e.ApprovalRequest(
            approval_id="a", prompt=text, args=[text], options=[text], schema={"a": text}
        )
    ],
    "state": lambda text: [e.State(snapshot={text: text})],
    "header": lambda text: [e.RunStart(name=text, model=text)],
    "id": lambda text: [
        e.ToolStart(id=text, name="f"),
        e.ToolArgsDelta(id=text, delta="{"),
        e.TextDelta(id="t", parent_id=text, delta="x"),
    ],
    "many": lambda text: [e.Status(message=text[:100]) for _ in range(2_000)],
}


@pytest.mark.parametrize("what", LARGE)
@pytest.mark.parametrize("kind", NASTY)
def test_no_message_is_larger_than_64_kb(what: str, kind: str) -> None:
    reader = SimulatedView()
    made = Harness(lambda message: nothing(reader.receive(message)))
    made.take(*LARGE[what](NASTY[kind]))
    made.tick(60)
    live = play([op for message in made.messages for op in message.get("ops", ())])
    made.channel.receive({"t": "hello", "have": 0})
    made.tick(120)
    assert live == reader.blocks
    assert list(reader.blocks.values()) == travelled(made.transcript)


@pytest.mark.parametrize("kind", NASTY)
def test_what_did_not_travel_is_read_page_by_page(kind: str) -> None:
    made = greeted(
        e.Custom(name="x", data=[NASTY[kind]]), e.Error(message="no", traceback=NASTY[kind])
    )
    blocks = play(
        [op for message in made.messages if message["t"] == "snapshot" for op in message["ops"]]
    )
    assert pages(made, blocks["error:2"]["traceback"]) == NASTY[kind]
    assert json.loads(pages(made, blocks["custom:1"]["data"])) == [NASTY[kind]]


def pages(made: Harness, marker: dict[str, Any]) -> str:
    """Return the text of a large value, read page by page as a view does."""
    text = ""
    while len(text) < marker["size"]:
        made.channel.receive({"t": "need", "name": marker["part"], "at": len(text)})
        made.tick(made.now + 0.1)
        part = next(message for message in reversed(made.messages) if message["t"] == "part")
        assert (part["name"], part["at"], part["size"]) == (
            marker["part"],
            len(text),
            marker["size"],
        )
        assert part["text"], "every page must make progress"
        text += part["text"]
    assert text.startswith(marker["head"])
    return text


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "prop",
        "prop/run",
        "prop/run/nothing",
        "prop/nobody/name",
        "result/run/name",
        "x/run/name",
    ],
)
def test_a_part_that_there_is_not_is_an_error_and_no_more(name: str) -> None:
    made = Harness()
    made.channel.receive({"t": "need", "name": name, "at": 0})
    made.tick(1)
    part = next(message for message in made.messages if message["t"] == "part")
    assert (part["name"], part["error"]) == (name, f"there is no large value {name!r}")


# --- snapshots ---


def test_a_snapshot_comes_in_pieces_and_live_ops_follow_it() -> None:
    made = greeted()
    made.take(e.TextDelta(id="t", delta="x" * 200_000))
    made.tick(made.now + 1)
    before = len(made.messages)
    made.channel.receive({"t": "resync"})
    made.tick(made.now + MIN_GAP_S)
    made.take(e.TextDelta(id="t", delta="live"))
    made.tick(made.now + 0.9)
    *pieces, live = made.messages[before:]
    assert len(pieces) == 4
    assert [(piece["first"], piece["last"]) for piece in pieces] == [
        (True, False),
        (False, False),
        (False, False),
        (False, True),
    ]
    assert [message["seq"] for message in (*pieces, live)] == list(
        range(pieces[0]["seq"], pieces[0]["seq"] + 5)
    )
    assert ["append", "t", "text", "live"] in live["ops"]


def test_a_snapshot_that_has_begun_is_sent_to_its_end_however_often_another_is_asked_for() -> None:
    made = greeted(e.TextDelta(id="t", delta="x" * 300_000))
    del made.messages[:]
    for _ in range(20):
        made.channel.receive({"t": "resync"})
        made.tick(made.now + MIN_GAP_S)
    firsts, lasts = ([message[which] for message in made.messages] for which in ("first", "last"))
    assert firsts == ([True] + [False] * 4) * 4
    assert lasts == ([False] * 4 + [True]) * 4


def test_a_redraw_takes_the_place_of_what_is_queued() -> None:
    made = Harness()
    made.take(TEXT)
    made.channel.receive({"t": "hello", "have": 0})
    made.tick(1)
    assert made.kinds() == ["snapshot"]


# --- beats ---


def beats(made: Harness) -> list[float]:
    return [
        round(time, 3)
        for time, message in zip(made.times, made.messages, strict=True)
        if message["t"] == "beat"
    ]


def test_a_live_run_that_says_nothing_beats_once_a_second() -> None:
    made = greeted()
    made.tick(6.5)
    assert [after - before for before, after in pairwise(beats(made))] == pytest.approx(
        [BEAT_INTERVAL_S] * 4
    )
    assert made.messages[-1]["seq"] == made.channel.seq


def test_a_view_that_has_said_nothing_yet_gets_beats_while_the_run_lives() -> None:
    """A kernel in a cell reads late what its view said; until then the beats are what tells the
    view that the kernel lives.
    """
    made = Harness()
    made.tick(5.5)
    assert made.kinds() == ["ops", *["beat"] * 5]
    made.finish()
    made.tick(made.now + 300)
    assert made.kinds() == ["ops", *["beat"] * 5, "ops"]
    assert made.channel.due(made.now) is None


def test_after_the_end_beats_fade_until_the_last_batch_is_acknowledged() -> None:
    made = greeted()
    made.finish()
    made.tick(made.now + 300)
    last = made.times[made.kinds().index("beat") - 1]
    assert beats(made) == [pytest.approx(last + after, abs=0.01) for after in (1, 3, 7, 15, 31, 63)]
    assert made.channel.due(made.now) is None


def test_after_the_end_an_acknowledged_channel_is_silent() -> None:
    made = greeted()
    made.finish()
    made.tick(made.now + 0.5)
    made.channel.receive({"t": "ack", "seq": made.channel.seq})
    made.tick(made.now + 300)
    assert (beats(made), made.channel.due(made.now)) == ([], None)


# --- the end ---


def test_the_end_waits_for_the_last_batch() -> None:
    made = greeted()
    made.take(e.TextDelta(id="t", delta="x" * 200_000))
    made.finish()
    made.tick(made.now + MIN_GAP_S / 2)
    assert not made.ended.wait(0.01)
    made.tick(made.now + END_FLUSH_TIMEOUT_S / 2)
    assert made.ended.wait(5)
    assert ["close", "run"] in made.messages[-1]["ops"]


def test_the_end_does_not_wait_for_a_long_backlog_which_follows_at_its_pace() -> None:
    reader = SimulatedView()
    made = Harness(lambda message: nothing(reader.receive(message)))
    made.channel.receive({"t": "hello", "have": 0})
    made.take(e.TextDelta(id="t", delta="x" * 6_000_000))
    made.finish()
    made.tick(made.now + END_FLUSH_TIMEOUT_S + MIN_GAP_S)
    assert made.ended.wait(5)
    assert not reader.blocks
    made.tick(made.now + 60)
    assert len(reader.blocks["t"]["text"]) == 6_000_000
    assert made.busiest() <= 29


# --- closing ---


def test_a_closed_channel_says_nothing_more_and_holds_up_no_end() -> None:
    made = greeted()
    made.take(TEXT)
    made.channel.close()
    sent = len(made.messages)
    made.take(TEXT)
    made.channel.receive({"t": "hello", "have": 0})
    made.finish()
    made.tick(made.now + 300)
    assert made.ended.wait(5)
    assert (
        len(made.messages),
        made.channel.due(made.now),
        made.channel in made.channel._pump.woken,  # type: ignore[attr-defined]
    ) == (sent, None, False)


def test_closing_while_the_end_waits_lets_it_come() -> None:
    made = greeted(e.TextDelta(id="t", delta="x" * 900_000))
    made.finish()
    made.channel.close()
    assert made.ended.wait(5)


class RecordingView:
    """A view of a real run, on the real pump."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.messages: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        raise LookupError(name)

    def command(self, command: Command) -> None:
        raise AssertionError("nobody pressed anything")

    def wait_for(self, kind: str) -> None:
        with self.changed:
            assert self.changed.wait_for(
                lambda: kind in [message["t"] for message in self.messages], 5
            )


@pytest.mark.parametrize("how", ["closed", "detached", "acknowledged"])
def test_the_pump_keeps_no_run_that_is_over_for_its_page(how: str) -> None:
    page, run = RecordingView(), Run(iter(["Hello"]))
    channel = run.connect(page)
    run.start()
    run.wait(5)
    channel.receive({"t": "hello", "have": 0})
    page.wait_for("snapshot")
    if how == "closed":
        run.close()
    elif how == "detached":
        run.detach(page)
    else:
        with page.changed:
            seq = page.messages[-1]["seq"]
        channel.receive({"t": "ack", "seq": seq})
    kept = weakref.ref(run), weakref.ref(channel), weakref.ref(page)
    if how != "acknowledged":
        assert not pump().holds(channel)
    else:
        while pump().holds(channel):
            threading.Event().wait(0.001)
    del run, channel, page
    gc.collect()
    assert [each() for each in kept] == [None, None, None]


def test_a_reader_may_ask_for_rarer_batches_also_when_it_lags() -> None:
    view, run = RecordingView(), Run(iter(["Hello"]), interval=2)
    channel = run.connect(view)
    assert channel.interval == 2
    channel.seq = 100 * MAX_UNACKED_BATCHES
    channel.receive({"t": "ack", "seq": 0})
    assert channel.interval == 2
    run.close()


def test_a_batch_that_cannot_be_written_is_a_gap_that_the_page_sees() -> None:
    made = Harness()
    made.tick(1)
    made.channel._outbox.feed([("set", "run", {"x": object()})])
    made.tick(2)
    made.take(TEXT)
    made.tick(3)
    assert [message["seq"] for message in made.messages] == [1, 3]


def test_text_that_waits_while_a_page_cannot_be_written_is_a_gap_too() -> None:
    made = Harness()
    made.tick(1)
    made.take(TEXT)
    made.page = nothing  # type: ignore[assignment]
    made.channel.receive({"t": "need", "name": "x", "at": 0})
    made.tick(2)
    made.take(TEXT)
    made.tick(3)
    assert [message["seq"] for message in made.messages if message["t"] == "ops"] == [1, 3]


# --- what a view says ---


def test_stop_and_toggle_are_handed_to_the_run() -> None:
    made = Harness()
    made.channel.receive({"t": "stop"})
    made.channel.receive({"t": "toggle", "block": "c", "open": True})
    made.channel.receive({"t": "break", "tool": "rate", "set": True})
    made.channel.receive({"t": "step", "on": True})
    assert made.commands == [
        Stop(),
        Toggle(block="c", open=True),
        Break(tool="rate", set=True),
        Step(on=True),
    ]


UNREADABLE: dict[str, object] = {
    "an unknown type": {"t": "answr", "value": SECRET},
    "a type that holds a secret": {"t": SECRET},
    "a missing field": {"t": "need", "name": SECRET},
    "a field of another type": {"t": "ack", "seq": SECRET},
    "a negative offset": {"t": "need", "name": SECRET, "at": -1},
    "an endless name": {"t": "need", "name": SECRET * 999, "at": 0},
    "no object": SECRET,
    "nothing": None,
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_an_unknown_or_malformed_message_is_counted_and_logged_without_its_content(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = greeted()
    before = len(made.messages)
    with caplog.at_level(logging.DEBUG, "nbagent"):
        made.channel.receive(UNREADABLE[what])
    made.tick(made.now + 0.05)
    assert (made.channel.ignored, made.commands, len(made.messages)) == (1, [], before)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert SECRET not in caplog.text


def test_the_log_names_the_type_of_a_message_that_is_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = Harness()
    with caplog.at_level(logging.DEBUG, "nbagent"):
        for message in ({"t": "answr"}, {"t": "ack"}, 7):
            made.channel.receive(message)
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == [
        "answr",
        "ack",
        "<int>",
    ]
