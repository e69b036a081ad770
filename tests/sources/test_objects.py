"""Streams that are Python objects: read on the right loop or thread, and always closed."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest

from nbagent.demo import DemoServer
from nbagent.errors import Cancelled, UnknownSource
from nbagent.runtime.loop import OwnedStream
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources import task_reader
from nbagent.sources.info import name_and_origin
from nbagent.sources.objects import reader_for

WHO = contextvars.ContextVar("WHO", default="nobody")


class Listener:
    """Collects the items and the end that a reader reports."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.error: BaseException | None = None
        self.got = threading.Event()
        self.ended = threading.Event()

    def item(self, item: Any) -> None:
        self.items.append(item)
        self.got.set()

    def end(self, error: BaseException | None) -> None:
        assert not self.ended.is_set(), "a stream ends once"
        self.error = error
        self.ended.set()

    async def wait(self) -> "Listener":
        assert await asyncio.to_thread(self.ended.wait, 5)
        return self


def listen(source: Any) -> tuple[Any, Listener]:
    reader, listener = reader_for(source), Listener()
    reader.start(listener.item, listener.end)
    return reader, listener


async def letters() -> AsyncIterator[str]:
    for letter in "abc":
        yield letter


async def test_an_async_iterator_is_read_on_the_loop_it_was_given_on() -> None:
    where: list[Any] = []

    async def stream() -> AsyncIterator[str]:
        where.append(asyncio.get_running_loop())
        yield "a"

    _, listener = listen(stream())
    await listener.wait()
    assert where == [asyncio.get_running_loop()]


async def test_a_stream_of_ours_is_read_on_nbagents_loop() -> None:
    where: list[Any] = []

    class Ours(OwnedStream):
        async def __aiter__(self) -> AsyncIterator[str]:
            where.append(asyncio.get_running_loop())
            yield "a"

    _, listener = listen(Ours())
    await listener.wait()
    assert (where, listener.items) == ([own_loop()], ["a"])


def test_an_async_iterator_without_a_loop_is_read_on_nbagents() -> None:
    _, listener = listen(letters())
    assert listener.ended.wait(5)
    assert listener.items == ["a", "b", "c"]


def test_a_plain_iterator_is_read_in_a_thread_with_the_callers_context() -> None:
    seen: list[Any] = []

    def stream() -> Iterator[str]:
        seen.append((WHO.get(), threading.current_thread() is threading.main_thread()))
        yield "a"

    WHO.set("the caller")
    _, listener = listen(stream())
    assert listener.ended.wait(5)
    assert seen == [("the caller", False)]


async def test_an_awaitable_and_a_context_manager_are_opened_first() -> None:
    class Manager:
        entered = exited = False

        async def __aenter__(self) -> AsyncIterator[str]:
            self.entered = True
            return letters()

        async def __aexit__(self, *_: object) -> None:
            self.exited = True

    async def later() -> AsyncIterator[str]:
        return letters()

    manager = Manager()
    for source in (manager, later()):
        _, listener = listen(source)
        await listener.wait()
        assert listener.items == ["a", "b", "c"]
    assert (manager.entered, manager.exited) == (True, True)


def test_a_string_is_one_item() -> None:
    _, listener = listen("hello")
    assert listener.ended.wait(5)
    assert listener.items == ["hello"]


async def test_cancelling_runs_an_async_generators_finally() -> None:
    closed = asyncio.Event()

    async def stream() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.set()

    reader, listener = listen(stream())
    await asyncio.to_thread(listener.got.wait, 5)
    reader.cancel()
    await listener.wait()
    assert closed.is_set()
    assert isinstance(listener.error, Cancelled)


@pytest.mark.parametrize("at", ["reading", "closing"])
async def test_a_stream_that_loses_its_cancellation_is_cancelled_again(
    at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_reader, "CANCEL_AGAIN_S", 0.01)
    cancelled = 0

    async def model() -> None:
        nonlocal cancelled
        while cancelled < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled += 1

    async def stream() -> AsyncIterator[str]:
        task = asyncio.create_task(model())
        await asyncio.sleep(0)
        try:
            yield "a"
            await task
        finally:
            task.cancel()
            await task

    reader, listener = reader_for(stream()), Listener()
    reader.start(
        lambda item: reader.cancel() if at == "closing" else listener.item(item), listener.end
    )
    if at == "reading":
        await asyncio.to_thread(listener.got.wait, 5)
        reader.cancel()
    await listener.wait()
    assert (cancelled, type(listener.error)) == (2, Cancelled)


@pytest.mark.parametrize("has_both", [False, True])
async def test_cancelling_a_run_stops_it_in_the_way_that_stops_its_model(has_both: bool) -> None:
    stopped: list[str] = []

    class Workflow:
        async def stream_events(self) -> AsyncIterator[str]:
            yield "a"
            await asyncio.Event().wait()

        def cancel(self) -> None:
            stopped.append("cancel")

    class Handler(Workflow):
        async def cancel_run(self) -> None:
            await asyncio.sleep(0)
            stopped.append("cancel_run")

    reader, listener = listen(Handler() if has_both else Workflow())
    await asyncio.to_thread(listener.got.wait, 5)
    reader.cancel()
    await listener.wait()
    assert stopped == ["cancel_run" if has_both else "cancel"]


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_can_be_read_both_ways_is_read_in_the_way_that_works(is_async: bool) -> None:
    class Output:
        _async_iterator = letters() if is_async else None

        def __iter__(self) -> Iterator[str]:
            assert not is_async
            return iter("abc")

        def __aiter__(self) -> AsyncIterator[str]:
            assert self._async_iterator is not None
            return self._async_iterator

    assert (await listen(Output())[1].wait()).items == ["a", "b", "c"]


def test_cancelling_closes_a_generator_after_the_item_in_hand() -> None:
    closed, go = threading.Event(), threading.Event()

    def stream() -> Iterator[str]:
        try:
            yield "a"
            go.wait(5)
            yield "b"
            yield "never asked for"
        finally:
            closed.set()

    reader, listener = listen(stream())
    assert listener.got.wait(5)
    reader.cancel()
    go.set()
    assert listener.ended.wait(5)
    assert closed.is_set()
    assert listener.items == ["a"]
    assert isinstance(listener.error, Cancelled)


async def test_an_async_stream_that_never_waits_can_be_cancelled() -> None:
    async def stream() -> AsyncIterator[int]:
        number = 0
        while True:
            yield (number := number + 1)

    source = stream()
    reader, listener = reader_for(source), Listener()

    def take(item: Any) -> None:
        listener.item(item)
        if item == 100:
            reader.cancel()

    reader.start(take, listener.end)
    await listener.wait()
    assert listener.items[-1] == 100


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_streams_own_error_is_handed_on(kind: str) -> None:
    def stream() -> Iterator[str]:
        yield "a"
        raise OSError("cut")

    async def async_stream() -> AsyncIterator[str]:
        yield "a"
        raise OSError("cut")

    _, listener = listen(stream() if kind == "sync" else async_stream())
    assert listener.ended.wait(5)
    assert (listener.items, str(listener.error)) == (["a"], "cut")


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_call_that_is_not_awaited_has_the_name_of_the_model_that_it_asks(api: str) -> None:
    async with openai.AsyncOpenAI(base_url="http://127.0.0.1:9", api_key="none") as client:
        source: Any
        if api == "chat":
            source = client.chat.completions.create(model="gpt-5-mini", messages=[], stream=True)
        else:
            source = client.responses.create(model="gpt-5-mini", input="Hi", stream=True)
        assert name_and_origin(source) == ("gpt-5-mini", "function")
        source.close()


@pytest.mark.parametrize("source", [None, 7, letters, object()])
def test_what_is_no_stream_is_named(source: Any) -> None:
    with pytest.raises(UnknownSource, match=type(source).__name__):
        reader_for(source)


@pytest.mark.parametrize("wire", ["responses", "chat"])
def test_a_thread_that_waits_for_a_real_servers_bytes_is_woken(wire: str) -> None:
    with (
        DemoServer(
            tokens_per_second=0.001
        ) as server,  # the pause after the first token outlasts every test
        openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):
        source: Any
        if wire == "chat":
            source = client.chat.completions.create(
                model="demo", messages=[{"role": "user", "content": "Hi"}], stream=True
            )
        else:
            source = client.responses.create(model="demo", input="Hi", stream=True)
        reader, listener = listen(source)
        assert listener.got.wait(5)
        reader.cancel()
        assert listener.ended.wait(5)
        assert isinstance(listener.error, Cancelled)
        assert server.wait_for(lambda server: server.disconnects == 1, 5)


def test_a_stream_whose_response_is_something_else_can_be_cancelled() -> None:
    class Stream:
        response = "not an HTTP response"

        def __iter__(self) -> Iterator[str]:
            return iter("ab")

    reader, listener = listen(Stream())
    reader.cancel()
    assert listener.ended.wait(5)


def test_a_stream_cancelled_while_it_is_opened_is_not_read() -> None:
    opening, go, closed, asked = (threading.Event() for _ in range(4))

    def stream() -> Iterator[str]:
        asked.set()
        yield "a"

    class Manager:
        def __enter__(self) -> Iterator[str]:
            opening.set()
            go.wait(5)
            return stream()

        def __exit__(self, *_: object) -> None:
            closed.set()

    reader, listener = listen(Manager())
    assert opening.wait(5)
    reader.cancel()
    go.set()
    assert listener.ended.wait(5)
    assert isinstance(listener.error, Cancelled)
    assert closed.is_set()
    assert not asked.is_set()


class Ours(OwnedStream):
    """A stream that has its connection from the start."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        yield "a"

    async def aclose(self) -> None:
        self.closed.set()


def test_a_stream_cancelled_before_its_task_has_begun_is_closed_all_the_same() -> None:
    go, stream = threading.Event(), Ours()
    # both the start and the cancellation wait in the loop's queue
    own_loop().call_soon_threadsafe(go.wait, 5)
    reader, listener = listen(stream)
    reader.cancel()
    go.set()
    assert listener.ended.wait(5)
    assert (listener.items, type(listener.error)) == ([], Cancelled)
    assert stream.closed.is_set()


async def test_a_stream_whose_task_is_cancelled_before_it_begins_has_ended() -> None:
    _, listener = listen(letters())
    next(task for task in asyncio.all_tasks() if task.get_name() == "nbagent-reader").cancel()
    await listener.wait()
    assert (listener.items, type(listener.error)) == ([], Cancelled)


def test_a_stream_whose_loop_is_closed_under_it_has_ended() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "a"
        await asyncio.Event().wait()

    async def main() -> tuple[Listener, Any]:
        _, listener = listen(stream())
        await asyncio.sleep(0)
        return listener, next(
            task for task in asyncio.all_tasks() if task.get_name() == "nbagent-reader"
        )

    loop = asyncio.new_event_loop()
    listener, task = loop.run_until_complete(main())
    loop.close()
    task._log_destroy_pending = False
    task.get_coro().close()  # what Python does with it when nobody can run it any more
    assert (listener.items, listener.ended.is_set()) == (["a"], True)


async def test_an_async_stream_that_never_waits_lets_others_have_their_turn() -> None:
    async def stream() -> AsyncIterator[int]:
        while True:
            yield 1

    reader, listener = listen(stream())
    asyncio.get_running_loop().call_later(0.001, reader.cancel)  # as a click would
    await listener.wait()
    assert isinstance(listener.error, Cancelled)


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), KeyboardInterrupt()])
def test_whatever_a_plain_stream_raises_ends_it_and_nothing_else(error: BaseException) -> None:
    def stream() -> Iterator[str]:
        yield "a"
        raise error

    class Items:
        def __iter__(self) -> Iterator[str]:
            return stream()

    _, listener = listen(Items())
    assert listener.ended.wait(5)
    assert (listener.items, listener.error) == (["a"], error)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_that_cannot_be_closed_says_so(kind: str) -> None:
    def stream() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            raise OSError("cannot be closed")

    async def async_stream() -> AsyncIterator[str]:
        for item in stream():
            yield item

    reader, listener = listen(stream() if kind == "sync" else async_stream())
    assert listener.ended.wait(5)
    assert (listener.items, str(listener.error)) == (["a", "b"], "cannot be closed")
    reader.cancel()  # after the end: nothing happens
