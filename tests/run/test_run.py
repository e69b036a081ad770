"""`Run`: a stream watched from start to end."""

import asyncio
import contextlib
import contextvars
import gc
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import preloaded
import pytest

import nbagent
from nbagent import events as e
from nbagent.adapters.text.decoder import TextDecoder
from nbagent.render.labels import run_label
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.run.pipeline import STOP_GRACE_S
from nbagent.runtime.loop import OwnedStream


class RecordingRenderer:
    """Renderer that keeps every batch."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.ops: list[list[Any]] = []

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        self.seqs.append(seq)
        self.ops += ops


def started(source: Any, **options: Any) -> Run:
    run = Run(source, **options)
    run.start()
    return run


def words() -> Iterator[str]:
    yield from ("Hello", ", ", "you")


async def test_awaiting_a_run_gives_the_run_at_its_end() -> None:
    run = await started(words())
    assert (run.text, run.status, run.done) == ("Hello, you", "completed", True)


def test_waiting_blocks_until_the_end() -> None:
    assert started(words()).wait(5).text == "Hello, you"


async def _awaited(run: Run) -> str:
    return (await run).text


async def _iterated(run: Run) -> str:
    return "".join([event.delta async for event in run.stream() if isinstance(event, e.TextDelta)])


async def _buffered(run: Run) -> str:
    return "".join([piece async for piece in run.buffered()])


@pytest.mark.parametrize("read", [_awaited, _iterated, _buffered])
async def test_a_run_that_nobody_has_started_begins_when_it_is_read(
    read: Callable[[Run], Awaitable[str]],
) -> None:
    assert await asyncio.wait_for(read(Run(words())), 5) == "Hello, you"


def test_a_run_that_nobody_has_started_begins_when_a_thread_waits_or_iterates() -> None:
    assert Run(words()).wait(5).text == "Hello, you"
    assert [event.type for event in Run(words()).stream("text.delta")] == ["text.delta"] * 3
    assert "".join(Run(words()).buffered()) == "Hello, you"


def test_a_function_that_hears_of_events_does_not_start_a_run() -> None:
    heard: list[str] = []
    run = Run(words()).on("text.delta", lambda event: heard.append(event.delta))
    assert (run.event_count, run.done) == (0, False)
    assert (run.wait(5).text, heard) == ("Hello, you", ["Hello", ", ", "you"])


def test_a_run_that_is_stopped_before_it_has_begun_reads_nothing() -> None:
    read: list[str] = []

    def stream() -> Iterator[str]:
        read.append("begun")
        yield "a"

    run = Run(stream())
    run.cancel()
    assert (run.wait(5).status, read) == ("cancelled", [])


CANCELLED = [
    {
        "event": "thread.message.delta",
        "data": {"delta": {"content": [{"type": "text", "text": {"value": "Hi"}}]}},
    },
    {"event": "thread.run.canceled", "data": {"status": "canceled"}},
]


def labels_of(run: Run, path: Path) -> list[str]:
    """Return the label of a run that has ended, and of its replay."""
    run.save(str(path))
    replayed = Run(nbagent.replay(str(path)))
    return [run_label(each.snapshot()[0] | {"started": None}) for each in (run, replayed.wait(5))]


def test_who_stopped_a_run_is_said_also_in_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    assert labels_of(Run(CANCELLED).wait(5), path) == ["Cancelled by the service"] * 2
    stopped = Run(words())
    stopped.cancel("a program")
    assert labels_of(stopped.wait(5), path) == ["Stopped by a program"] * 2


async def test_a_service_that_answers_to_a_stop_has_not_cancelled_the_run(tmp_path: Path) -> None:
    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield CANCELLED[0]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
        yield CANCELLED[1]

    run = started(stream())
    await anext(aiter(run.stream("text.delta")))
    run.cancel()
    await run
    assert labels_of(run, tmp_path / "run.jsonl") == ["Stopped by you"] * 2


async def test_waiting_works_inside_the_loop_that_reads_the_stream() -> None:
    script = "import asyncio\nfrom nbagent.run import Run\n" + _WAIT_INSIDE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().split() == ["abc", "completed"]


# In a process of its own: nest-asyncio2 patches asyncio for good.
_WAIT_INSIDE = """
async def stream():
    for letter in "abc":
        await asyncio.sleep(0)
        yield letter

async def main():
    run = Run(stream())
    run.start()
    run.wait(5)
    print(run.text, run.status)

asyncio.run(main())
"""


def test_a_wait_that_takes_too_long_says_so_and_the_run_goes_on() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "a"
        go.wait(5)

    run = started(stream())
    with pytest.raises(TimeoutError, match=r"running.*0\.01 s"):
        run.wait(0.01)
    go.set()
    assert run.wait(5).status == "completed"


def test_who_asked_hears_of_the_end_once_and_before_those_who_wait() -> None:
    calls: list[str] = []
    run = Run(words())
    run.on_end(lambda: calls.append(f"{run.status}, waited for: {run.done}"))
    run.start()
    run.wait(5)
    run.on_end(lambda: calls.append("late"))
    assert calls == ["completed, waited for: False", "late"]


def test_one_failing_callback_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []
    run = Run(words())
    run.on_end(lambda: [][0])
    run.on_end(lambda: calls.append("second"))
    run.start()
    assert (run.wait(5).status, calls) == ("completed", ["second"])
    assert "IndexError" in caplog.text


def test_closing_stops_the_run_and_tells_its_views() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "a"
        go.wait(5)

    run, calls = started(stream()), list[str]()
    run.on_close(lambda: calls.append("closed"))
    run.close()
    run.close()
    go.set()
    assert (run.wait(5).status, calls) == ("cancelled", ["closed"])


def test_a_detached_face_gets_nothing_more() -> None:
    page, run = RecordingRenderer(), Run(words())
    run.attach(page)
    run.detach(page)
    run.start()
    run.wait(5)
    assert "append" not in [op[0] for op in page.ops]


def test_a_face_that_comes_after_the_end_gets_everything_at_once() -> None:
    page, run = RecordingRenderer(), started(words()).wait(5)
    run.attach(page)
    assert ["close", "run"] in page.ops
    assert "Hello, you" in [op[-1]["text"] for op in page.ops if op[0] == "open" and op[1] != "run"]


def returned(value: Any, **options: Any) -> Run:
    stream = [
        e.ToolStart(id="c", name="f"),
        e.ToolResult(id="c", content="said", value=e.Live(value)),
    ]
    return started(iter(stream), **options).wait(5)


def read(run: Run, name: str) -> str:
    text, size = run.page(name, 0, 9_000)
    while len(text) < size:
        text += run.page(name, len(text), 9_000)[0]
    return text


LONG = "".join(f"{number:06d}é" for number in range(30_000))


def test_a_long_text_that_a_tool_returned_can_be_read_whole() -> None:
    run = returned(LONG)
    assert len(run.snapshot()[1]["result"]["text/plain"]) < 70_000
    assert read(run, "result/c/text/plain") == LONG


@pytest.mark.parametrize("key", ["sk-" + "k" * 40, "ghp_" + "k" * 36])
@pytest.mark.parametrize("at", [0, 8_990, 70_000, 100_001])
def test_a_long_text_shows_no_key_wherever_its_pages_are_cut(key: str, at: int) -> None:
    text = f"{LONG[:at]} {key} {LONG[at:]}"
    assert read(returned(text), "result/c/text/plain") == text.replace(
        key, key[:2] + "•" * (len(key) - 2)
    )


def test_what_is_hidden_has_no_pages() -> None:
    with pytest.raises(LookupError, match="there is no large value"):
        returned(LONG, reveal="answer").page("result/c/text/plain", 0, 9_000)


def test_a_text_that_was_given_another_look_keeps_it() -> None:
    shown = e.Display(summary="s", data={"text/plain": "another look"})
    stream = [
        e.ToolStart(id="c", name="f"),
        e.ToolResult(id="c", value=e.Live(LONG), display=shown),
    ]
    assert read(started(iter(stream)).wait(5), "result/c/text/plain") == "another look"


def test_a_call_whose_id_is_taken_or_very_long_keeps_its_result() -> None:
    for id in ("run", "x" * 5_000):
        run = started(
            iter([e.ToolStart(id=id, name="f"), e.ToolResult(id=id, value=e.Live(WHO))])
        ).wait(5)
        assert run.tools[0].result is WHO


def test_who_asked_is_called_in_the_context_it_asked_in() -> None:
    cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="none")
    calls: list[str] = []
    run = Run(words())

    def ask() -> None:
        cell.set("this cell")
        run.on_end(lambda: calls.append(cell.get()))

    contextvars.copy_context().run(ask)
    run.start()
    run.wait(5)
    assert calls == ["this cell"]


def test_events_are_stamped_in_order() -> None:
    run = started(words()).wait(5)
    assert [event.seq for event in run.events] == list(range(1, len(run.events) + 1))
    assert {event.run_id for event in run.events} == {run.id}
    assert [event.ts for event in run.events] == sorted(event.ts for event in run.events)
    assert e.type_of(run.events[0]) == "run.start"
    assert e.type_of(run.events[-1]) == "run.end"


async def test_an_error_of_the_stream_ends_the_run_and_keeps_the_text() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "half"
        raise OSError("the line went dead")

    run = await started(stream())
    assert (run.text, run.status, str(run.error)) == ("half", "failed", "the line went dead")
    assert any(
        isinstance(event, e.Error) and "the line went dead" in event.message for event in run.events
    )


async def test_cancel_ends_the_run_and_keeps_the_text() -> None:
    closed = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        try:
            yield "half"
            await asyncio.Event().wait()
        finally:
            closed.set()

    run = started(stream())
    async for event in run.stream(types=("text.delta",)):
        assert isinstance(event, e.TextDelta)
        run.cancel()
    await run
    assert (run.text, run.status, run.error, closed.is_set()) == ("half", "cancelled", None, True)


def test_a_stream_that_will_not_stop_is_left_behind() -> None:
    go, ended = threading.Event(), threading.Event()

    def stream() -> Iterator[str]:
        yield "half"
        go.wait(10)
        ended.set()
        yield " too late"

    run = started(stream())
    while not run.text:
        threading.Event().wait(0.001)
    run.cancel()
    assert run.wait(STOP_GRACE_S + 5).status == "cancelled"
    assert not ended.is_set()
    go.set()
    assert ended.wait(5)
    assert run.text == "half"


async def test_interrupting_the_wait_stops_the_stream() -> None:
    closed = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        try:
            while True:
                yield "a"
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    run = started(stream())
    waiting = asyncio.ensure_future(run._wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(closed.wait(), 5)
    assert (await run).status == "cancelled"


async def test_following_late_gives_everything_from_the_start() -> None:
    run = await started(words())
    assert [event async for event in run.stream()] == run.events


def test_every_face_gets_every_batch_in_order() -> None:
    run, pages = Run(words()), (RecordingRenderer(), RecordingRenderer())
    for page in pages:
        run.attach(page)
    run.start()
    run.wait(5)
    for page in pages:
        assert page.seqs == list(range(1, len(page.seqs) + 1))
        assert "".join(op[3] for op in page.ops if op[0] == "append") == "Hello, you"
        assert page.ops[-1][:2] == ["close", "run"] or page.ops[-1][:2] == ["set", "run"]


def test_the_tool_result_is_the_live_object() -> None:
    table = object()
    stream = [
        e.ToolStart(id="c", name="load", ts=1.0),
        e.ToolArgs(id="c", args={"year": 2025}, args_text='{"year": 2025}'),
        e.ToolResult(id="c", content="a table", value=e.Live(table)),
    ]
    run = started(iter(stream)).wait(5)
    assert run.tools[0].result is table
    assert repr(run.tools[0]) == "<load(year=2025) output-available>"


class SlowFigure:
    """Value whose drawing waits until it may go on."""

    def __init__(self) -> None:
        self.drawing, self.go = threading.Event(), threading.Event()

    def _repr_html_(self) -> str:
        self.drawing.set()
        self.go.wait(30)
        return "<b>drawn</b>"


def stream_with(figure: object, source: str) -> Any:
    result = e.ToolResult(id="c", content="a figure", value=e.Live(figure))
    if source == "LangGraph":
        call = {
            "type": "ai",
            "id": "a",
            "content": "",
            "tool_calls": [{"name": "plot", "args": {}, "id": "c"}],
        }
        answer = {
            "type": "tool",
            "id": "t",
            "content": "a figure",
            "tool_call_id": "c",
            "artifact": figure,
        }
        return iter(
            [
                ("updates", {"model": {"messages": [call]}}),
                ("updates", {"tools": {"messages": [answer]}}),
            ]
        )
    return Lanes([iter([result]), iter(["text"])]) if source == "lanes" else iter([result])


@pytest.mark.parametrize("source", ["events", "lanes", "LangGraph"])
def test_a_run_is_stopped_while_a_figure_is_drawn(source: str) -> None:
    figure = SlowFigure()
    run = started(stream_with(figure, source))
    assert figure.drawing.wait(30)
    stopping = threading.Thread(target=run.cancel)
    stopping.start()
    stopping.join(10)
    has_stopped = not stopping.is_alive()
    figure.go.set()
    run.wait(30)
    assert has_stopped


@pytest.mark.parametrize("source", ["events", "lanes", "LangGraph"])
def test_a_live_result_is_drawn_whatever_stream_it_is_in(source: str) -> None:
    figure = SlowFigure()
    figure.go.set()
    run = started(stream_with(figure, source)).wait(30)
    (call,) = [block for block in run.snapshot() if block["kind"] == "tool"]
    assert call["result"]["text/html"] == "<b>drawn</b>"


@pytest.mark.parametrize("value", [None, 0, "", False])
def test_a_falsy_live_result_is_given_as_it_is(value: Any) -> None:
    stream = [
        e.ToolStart(id="c", name="f"),
        e.ToolResult(id="c", content="said", value=e.Live(value)),
    ]
    assert started(iter(stream)).wait(5).tools[0].result is value


def test_what_is_hidden_is_nowhere_in_the_run() -> None:
    stream = [
        e.ReasoningStart(id="r"),
        e.ReasoningDelta(id="r", delta="SECRET thought"),
        e.ReasoningEnd(id="r", text="SECRET thought"),
        e.ToolStart(id="c", name="SECRET_tool"),
        e.ToolResult(id="c", content="SECRET result", value=e.Live("SECRET value")),
        e.TextDelta(id="t", delta="<think>SECRET</think>the answer"),
    ]
    run, page = Run(iter(stream), reveal="answer"), RecordingRenderer()
    run.attach(page)
    run.start()
    run.wait(5)
    assert run.text == "the answer"
    assert "SECRET" not in (
        f"{run.events} {run.snapshot()} {page.ops} {run.tools} {run.thinking} {vars(run)} "
        f"{vars(run._state)}"
    )


def test_a_saved_run_plays_again(tmp_path: Any) -> None:
    import nbagent

    run = started(words()).wait(5)
    run.save(str(tmp_path / "run.jsonl"))
    again = started(nbagent.replay(str(tmp_path / "run.jsonl"))).wait(5)
    assert again.text == run.text
    assert [type(event) for event in again.events] == [type(event) for event in run.events]


def test_an_empty_stream_is_no_answer() -> None:
    run = started(iter(())).wait(5)
    assert (run.text, run.status) == ("", "incomplete")


def test_a_face_that_fails_does_not_keep_the_run_from_ending(caplog: Any) -> None:
    class Broken(RecordingRenderer):
        def draw(self, seq: int, ops: list[list[Any]]) -> None:
            raise OSError("the terminal is gone")

    run, page = Run(words()), RecordingRenderer()
    run.attach(Broken())
    run.attach(page)
    run.start()
    assert run.wait(5).status == "completed"
    assert ["close", "run"] in page.ops


def test_a_decoder_that_fails_at_the_end_does_not_keep_the_run_from_ending() -> None:
    class Broken(TextDecoder):
        def close(self, error: BaseException | None = None) -> list[e.Event]:
            raise ValueError("a mistake in a decoder")

    run = started(words(), decoder=Broken()).wait(5)
    assert (run.text, run.status, str(run.error)) == (
        "Hello, you",
        "failed",
        "a mistake in a decoder",
    )


async def test_a_stream_that_stays_open_after_its_end_can_be_stopped() -> None:
    async def stream() -> AsyncIterator[e.Event]:
        yield e.RunStart()
        yield e.RunEnd(status="completed")
        await asyncio.Event().wait()

    run = started(stream())
    async for event in run.stream():
        if isinstance(event, e.RunStart):
            run.cancel()
    assert (await asyncio.wait_for(run, 5)).status == "cancelled"  # another run might have followed


def test_every_face_has_every_counter_whoever_else_looks() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "a"
        go.wait(5)

    run, pages = Run(stream()), (RecordingRenderer(), RecordingRenderer())
    for page in pages:
        run.attach(page)
    run.start()
    while not run.text:
        threading.Event().wait(0.001)
    run.snapshot()
    go.set()
    run.wait(5)
    for page in pages:
        shown: dict[str, Any] = {}
        for op in page.ops:
            if op[1] == "run" and op[0] != "close":
                shown.update(op[-1])
        assert (shown["events"], shown["words"]) == (len(run.events), 1)


def test_a_tool_call_in_hand_says_more_when_more_is_known() -> None:
    go = threading.Event()

    def stream() -> Iterator[e.Event]:
        yield e.ToolStart(id="c", name="f")
        go.wait(5)
        yield e.ToolArgs(id="c", args={"id": 2**53 + 1}, args_text='{"id": 9007199254740993}')
        yield e.ToolResult(id="c", content="said", value=e.Live(WHO))

    run = started(stream())
    while not run.tools:
        threading.Event().wait(0.001)
    call = run.tools[0]
    assert (call.args, call.result) == (None, None)
    go.set()
    run.wait(5)
    assert call.result is WHO
    assert call.args == {"id": 2**53 + 1}  # whole, though a browser could only be sent its digits
    assert run.snapshot()[1]["args"] == {"id": "9007199254740993"}


WHO = object()


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Switch threads as often as possible, so that races show."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_reading_a_calls_arguments_loses_none_that_are_just_coming() -> None:
    run = started(
        iter(
            [
                e.ToolStart(id="c", name="f"),
                *(e.ToolArgsDelta(id="c", delta="x") for _ in range(5_000)),
            ]
        )
    )
    while not run.tools:
        pass
    call = run.tools[0]
    while not run.done:
        assert set(call.args_text) <= {"x"}
    assert len(call.args_text) == 5_000


@pytest.mark.parametrize("value", [42, "", '{"a": 1}', [1, 2], None])
def test_a_recorded_result_is_what_the_tool_returned(value: Any) -> None:
    shown = e.Display(summary="shown", data={"text/plain": "shown"})
    run = started(
        iter([e.ToolStart(id="c", name="f"), e.ToolResult(id="c", content=value, display=shown)])
    ).wait(5)
    assert run.tools[0].result == value


async def test_a_run_that_is_over_lets_go_of_its_stream() -> None:
    class Stream:
        def __aiter__(self) -> AsyncIterator[str]:
            return self.words()

        async def words(self) -> AsyncIterator[str]:
            yield "a"

    class PlainStream:
        def __iter__(self) -> Iterator[str]:
            return words()

    for kind in (Stream, PlainStream):
        stream = kind()
        kept = weakref.ref(stream)
        run = await started(stream)
        await asyncio.sleep(0)
        del stream
        gc.collect()
        assert (kept(), run.done) == (None, True)


async def test_one_type_of_event_may_be_named_by_itself() -> None:
    run = await started(words())
    assert (
        [event async for event in run.stream("text.delta")]
        == [event async for event in run.stream(types=("text.delta",))]
        != []
    )


def test_starting_twice_reads_once() -> None:
    go = threading.Event()

    def stream() -> Iterator[str]:
        yield "x"
        go.wait(5)
        yield "b"

    run = started(stream())
    while not run.text:
        threading.Event().wait(0.001)
    run.start()
    with pytest.raises(TimeoutError):
        run.wait(0.01)
    go.set()
    assert (run.wait(5).text, run.status) == ("xb", "completed")


async def test_a_run_can_be_awaited_again_and_leaving_its_events_early_does_no_harm() -> None:
    run = started(words())
    async for _ in run.stream():
        break
    assert await run is await run is run


@pytest.mark.parametrize("moment", ["before the start", "at once", "twice", "after the end"])
async def test_a_run_can_be_cancelled_at_any_moment(moment: str) -> None:
    class Stream(OwnedStream):
        closed = 0

        async def __aiter__(self) -> AsyncIterator[str]:
            yield "a"
            if moment != "after the end":
                await asyncio.Event().wait()

        async def aclose(self) -> None:
            self.closed += 1

    stream = Stream()
    run = Run(stream)
    if moment == "before the start":
        run.cancel()
    run.start()
    if moment == "after the end":
        await run
    run.cancel()
    if moment == "twice":
        await asyncio.to_thread(run.cancel)
    await asyncio.wait_for(run, 5)
    assert run.status == ("completed" if moment == "after the end" else "cancelled")
    assert stream.closed == 1


def test_a_script_that_leaves_a_stream_running_ends_quietly() -> None:
    script = """
import asyncio, itertools, nbagent
async def owned():
    nbagent.show(itertools.repeat("word "))
    nbagent.show(endless())
    await asyncio.sleep(0.05)
async def endless():
    while True:
        await asyncio.sleep(0)
        yield "word "
asyncio.run(owned())
"""
    done = preloaded.run("-c", script, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bad_reveal_is_named() -> None:
    with pytest.raises(ValueError, match="everything"):
        Run(words(), reveal="everything")  # type: ignore[arg-type]


def test_a_stream_that_says_it_failed_leaves_its_words_in_error() -> None:
    stream = [
        e.RunStart(),
        e.Error(message="Quota exceeded", code="429", fatal=True),
        e.RunEnd(status="failed"),
    ]
    run = started(iter(stream)).wait(5)
    assert (str(run.error), getattr(run.error, "code", None)) == ("Quota exceeded", "429")
    assert "Quota exceeded" in repr(run)


def test_an_error_that_did_not_end_the_run_is_not_its_error() -> None:
    stream = [
        e.RunStart(),
        e.Error(message="a hiccup"),
        e.TextDelta(id="t", delta="a"),
        e.RunEnd(status="completed"),
    ]
    assert started(iter(stream)).wait(5).error is None


def test_the_readers_name_for_a_run_wins_over_the_streams_own() -> None:
    stream = [e.RunStart(name="writer", model="m")]
    assert started(iter(stream)).wait(5).name == "writer"
    assert started(iter(stream), name="mine").wait(5).name == "mine"


def test_a_callback_at_the_end_need_not_wait_for_itself() -> None:
    run = Run(iter(["Hi"]))
    seen: list[str] = []
    run.on_end(lambda: seen.append(run.wait().text))
    run.start()
    run.wait(60)
    assert seen == ["Hi"]
