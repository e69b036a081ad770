"""Answers to the questions of a stream: sent to it, or given to the stream that follows it."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import nbagent
from nbagent import events as e
from nbagent.adapters.base.answers import Answers
from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.run import Run

ASKED: list[e.Event] = [
    e.RunStart(name="Clerk"),
    e.TextDelta(id="text-1", delta="I pay."),
    e.ToolStart(id="tool-1", name="pay"),
    e.ToolArgs(id="tool-1", args={"euros": 5}),
    e.ApprovalRequest(approval_id="ask-1", tool_id="tool-1", args={"euros": 5}),
]
PAUSED: list[e.Event] = [*ASKED, e.RunEnd(status="paused", usage=e.Usage(input=1))]
DONE: list[e.Event] = [
    e.RunStart(name="Clerk"),
    e.TextDelta(id="text-1", delta="Paid."),
    e.RunEnd(status="completed", usage=e.Usage(input=2)),
]


async def events(*given: e.Event) -> AsyncIterator[e.Event]:
    for event in given:
        yield event


def started(source: Any, **options: Any) -> Run:
    run = Run(source, **options)
    run.start()
    return run


def answers_of(run: Run) -> list[tuple[str, str]]:
    return [
        (event.approval_id, event.decision)
        for event in run.events
        if isinstance(event, e.ApprovalResponse)
    ]


def allow(question: Question) -> None:
    question.allow()


SOURCES: list[Callable[..., Any]] = [lambda *given: iter(given), events]


@pytest.mark.parametrize("source", SOURCES)
async def test_the_next_stream_goes_on_with_the_run(source: Callable[..., Any]) -> None:
    given: list[Answers] = []

    def resume(answers: Answers) -> Any:
        given.append(answers)
        return source(*DONE)

    run = await nbagent.show(source(*PAUSED), resume=resume, answer=allow, face="console")
    assert (run.status, run.text, run.answer) == ("completed", "I pay.\n\nPaid.", "Paid.")
    assert answers_of(run) == [("ask-1", "approve")]
    assert [answers.value for answers in given] == [given[0].responses]
    assert given[0].last == PAUSED[-1]
    assert [type(event) for event in run.events].count(e.RunStart) == 1
    assert run.usage.input == 3


@pytest.mark.parametrize("make", [lambda: events(*DONE), lambda: iter(DONE)])
async def test_the_function_may_be_async(make: Callable[[], Any]) -> None:
    async def resume(answers: Answers) -> Any:
        return make()

    run = await nbagent.show(events(*PAUSED), resume=resume, answer=allow, face="console")
    assert (run.status, run.answer) == ("completed", "Paid.")


PLACE = contextvars.ContextVar("PLACE", default="elsewhere")


@pytest.mark.parametrize("source", SOURCES)
async def test_it_is_called_in_the_context_of_the_show(source: Callable[..., Any]) -> None:
    places: list[str] = []

    def resume(answers: Answers) -> Any:
        places.append(PLACE.get())
        return source(*DONE)

    PLACE.set("this cell")
    run = started(source(*PAUSED), resume=resume)
    PLACE.set("another cell")
    async for _ in run.stream("approval.request"):
        run.respond("ask-1")
    assert (run.status, places) == ("completed", ["this cell"])


async def test_it_is_called_on_the_loop_of_an_asynchronous_stream() -> None:
    here = asyncio.get_running_loop()
    loops: list[Any] = []

    def resume(answers: Answers) -> Any:
        loops.append(asyncio.get_running_loop())
        return events(*DONE)

    await nbagent.show(events(*PAUSED), resume=resume, answer=allow, face="console")
    assert loops == [here]


def test_a_plain_stream_is_gone_on_with_in_a_thread() -> None:
    threads: list[threading.Thread] = []

    def resume(answers: Answers) -> Iterator[e.Event]:
        threads.append(threading.current_thread())
        return iter(DONE)

    run = started(iter(PAUSED), resume=resume, answer=allow).wait()
    assert run.status == "completed"
    assert threads[0] is not threading.current_thread()


async def test_the_run_waits_until_all_questions_are_answered() -> None:
    second = e.ApprovalRequest(
        approval_id="ask-2", kind="input", prompt="Whom?", options=["Ann", "Ben"]
    )
    given: list[Answers] = []

    def resume(answers: Answers) -> Any:
        given.append(answers)
        return events(*DONE)

    run = started(events(*ASKED, second, PAUSED[-1]), resume=resume)
    async for _ in run.stream("approval.request"):
        if len(run.waiting) == 2:
            break
    run.respond("ask-2", True, "Ben")
    with pytest.raises(AnswerError, match="no question 'ask-2' waits"):
        run.respond("ask-2", True, "Ann")
    assert given == []
    run.respond("ask-1", False, reason="too much")
    assert (await run).status == "completed"
    # in the order of the questions
    assert [(each.approval_id, each.value, each.reason) for each in given[0].responses] == [
        ("ask-1", None, "too much"),
        ("ask-2", "Ben", None),
    ]


async def test_a_further_question_waits_again() -> None:
    streams = [events(*PAUSED), events(*DONE)]
    run = started(events(*PAUSED), resume=lambda answers: streams.pop(0))
    async for _ in run.stream("approval.request"):
        for question in run.waiting:
            question.allow()
    assert (run.status, answers_of(run)) == (
        "completed",
        [("ask-1", "approve"), ("run-2/ask-1", "approve")],
    )


async def test_a_stream_without_a_way_back_ends_paused() -> None:
    run = await nbagent.show(events(*PAUSED), face="console")
    assert (run.status, run.waiting) == ("paused", [])
    assert all(event.reply is None for event in run.events if isinstance(event, e.ApprovalRequest))


async def test_stop_ends_a_run_that_waits() -> None:
    run = started(events(*PAUSED), resume=lambda answers: events(*DONE))
    async for _ in run.stream("approval.request"):
        run.cancel()
    assert (await run).status == "cancelled"
    with pytest.raises(AnswerError):
        run.respond("ask-1")


async def test_a_function_that_raises_fails_the_run() -> None:
    def resume(answers: Answers) -> Any:
        raise OSError("the graph is gone")

    run = await nbagent.show(events(*PAUSED), resume=resume, answer=allow, face="console")
    assert (run.status, str(run.error)) == ("failed", "the graph is gone")


async def test_arguments_are_changed_only_where_the_system_takes_that() -> None:
    run = started(events(*PAUSED), resume=lambda answers: events(*DONE))
    async for _ in run.stream("approval.request"):
        with pytest.raises(AnswerError, match="no changed arguments"):
            run.respond("ask-1", True, {"euros": 6})
        run.respond("ask-1", True, {"euros": 5})
    assert run.status == "completed"


async def test_the_result_of_a_denied_call_says_so() -> None:
    run = started(
        iter(ASKED[1:]), resume=lambda _: iter([e.ToolResult(id="tool-1", content="not allowed")])
    )
    async for _ in run.stream("approval.request"):
        run.respond("ask-1", False)
    assert [event.status for event in run.events if isinstance(event, e.ToolResult)] == ["denied"]
    assert run.status == "completed"


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_answer_is_sent_to_a_stream_that_stays_open(is_async: bool) -> None:
    given: asyncio.Queue[e.ApprovalResponse] = asyncio.Queue()

    async def source() -> AsyncIterator[e.Event]:
        for event in ASKED:
            yield event
        yield e.TextDelta(id="text-2", delta=(await given.get()).decision)
        yield e.RunEnd(status="completed")

    async def send(answer: Any) -> None:
        given.put_nowait(
            e.ApprovalResponse(approval_id=answer["approval_id"], decision=answer["decision"])
        )

    def send_now(answer: Any) -> None:
        asyncio.get_running_loop().create_task(send(answer))

    run = await nbagent.show(
        source(), send=send if is_async else send_now, answer=allow, face="console"
    )
    assert (run.status, run.answer) == ("completed", "approve")
    assert answers_of(run) == [("ask-1", "approve")]


async def test_an_answer_that_the_stream_repeats_is_told_once() -> None:
    given: asyncio.Queue[Any] = asyncio.Queue()

    async def source() -> AsyncIterator[e.Event]:
        for event in ASKED:
            yield event
        await given.get()
        yield e.ApprovalResponse(approval_id="ask-1", decision="approve")
        yield e.RunEnd(status="completed")

    run = await nbagent.show(source(), send=given.put, answer=allow, face="console")
    assert answers_of(run) == [("ask-1", "approve")]


@pytest.mark.parametrize("source", SOURCES)
async def test_an_answer_that_cannot_be_sent_leaves_the_question(
    source: Callable[..., Any],
) -> None:
    tries: list[Any] = []
    opened = threading.Event()

    def send(answer: Any) -> None:
        tries.append(answer)
        if len(tries) == 1:
            raise OSError("no line")
        opened.set()

    def blocking() -> Iterator[e.Event]:
        yield from ASKED
        opened.wait()
        yield e.RunEnd(status="completed")

    async def waiting() -> AsyncIterator[e.Event]:
        for event in ASKED:
            yield event
        await asyncio.to_thread(opened.wait)
        yield e.RunEnd(status="completed")

    run = started(blocking() if source is SOURCES[0] else waiting(), send=send)
    async for _ in run.stream(("approval.request", "status")):
        run.respond("ask-1")
    assert (run.status, len(tries), answers_of(run)) == ("completed", 2, [("ask-1", "approve")])
    assert [event.message for event in run.events if isinstance(event, e.Status)] == [
        "The answer could not be sent: no line"
    ]


async def test_each_of_several_streams_is_gone_on_with() -> None:
    with pytest.raises(TypeError, match="for one stream"):
        nbagent.show(iter("a"), iter("b"), resume=lambda answers: None, face="console")


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="resume= must be a function; got str"):
        Run(iter("a"), resume="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="give one of them"):
        Run(iter("a"), resume=print, send=print)
