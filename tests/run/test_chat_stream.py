"""Answer after answer as one run."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbagent import events as e
from nbagent.errors import NbagentError
from nbagent.run import Run
from nbagent.run.chat_stream import ChatStream


def opened() -> tuple[ChatStream, Run]:
    stream = ChatStream("chat")
    run = Run(stream)
    run.start()
    return stream, run


def turn(
    *events: e.Event, status: e.RunStatus = "completed", tokens: int | None = None
) -> list[e.Event]:
    usage = None if tokens is None else e.Usage(output=tokens)
    return [e.RunStart(name="agent"), *events, e.RunEnd(status=status, usage=usage)]


def text(of: str) -> list[e.Event]:
    return [e.TextStart(id="text-1"), e.TextDelta(id="text-1", delta=of), e.TextEnd(id="text-1")]


def test_each_answer_runs_and_ends_and_the_chat_goes_on() -> None:
    stream, run = opened()
    assert (run.status, run.snapshot()[0]["turns"]) == ("completed", 0)
    seen = []
    for number in (1, 2):
        stream.answer(
            e.Prompt(text=f"question {number}"), turn(*text(f"answer {number}"), tokens=5)
        ).result(10)
        seen.append((run.status, run.answer, run.snapshot()[0]["turns"], run.usage.output))
    assert seen == [("completed", "answer 1", 1, 5), ("completed", "answer 2", 2, 10)]
    assert [block["kind"] for block in run.snapshot()] == [
        "run",
        "prompt",
        "text",
        "prompt",
        "text",
    ]
    run.close()
    assert run.wait(10).status == "completed"


def test_a_stopped_answer_ends_and_the_next_one_begins_anew() -> None:
    stream, run = opened()
    released, begun = threading.Event(), threading.Event()

    def hanging() -> Iterator[str]:
        yield "half an "
        begun.set()
        released.wait()

    over = stream.answer(e.Prompt(text="long"), hanging())
    assert begun.wait(10)
    run.stop()
    over.result(10)
    released.set()
    assert (run.status, run.answer, stream.is_idle) == ("cancelled", "half an ", True)
    stream.answer(e.Prompt(text="short"), turn(*text("done"))).result(10)
    assert (run.status, run.answer) == ("completed", "done")
    stream.answer(None, [{"event": "thread.run.canceled", "data": {"status": "canceled"}}]).result(
        10
    )
    # this time by the service
    assert (run.status, run.snapshot()[0]["stopped_by"]) == (
        "cancelled",
        None,
    )
    run.close()


def test_a_failed_answer_leaves_the_chat_open() -> None:
    stream, run = opened()

    def failing() -> Iterator[str]:
        yield "half"
        raise RuntimeError("no route")

    stream.answer(e.Prompt(text="a"), failing()).result(10)
    assert (run.status, [block["kind"] for block in run.snapshot()][-1]) == ("failed", "error")
    stream.answer(e.Prompt(text="b"), ["whole"]).result(10)
    assert (run.status, run.answer) == ("completed", "whole")
    run.close()


def test_one_answer_is_written_at_a_time() -> None:
    stream, run = opened()
    released = threading.Event()
    over = stream.answer(e.Prompt(text="a"), (released.wait() and "x" for _ in [0]))
    with pytest.raises(NbagentError, match="an answer is being written"):
        stream.answer(e.Prompt(text="b"), ["y"])
    released.set()
    over.result(10)
    run.close()
    with pytest.raises(NbagentError, match="is closed"):
        stream.answer(e.Prompt(text="c"), ["z"])


def test_closing_stops_the_answer_that_is_being_written() -> None:
    stream, run = opened()
    released = threading.Event()
    over = stream.answer(e.Prompt(text="a"), (released.wait() and "x" for _ in [0]))
    run.close()
    over.result(10)
    released.set()
    assert run.wait(10).status == "cancelled"


def test_the_prompt_of_the_answers_own_stream_is_not_shown_twice() -> None:
    stream, run = opened()
    stream.answer(e.Prompt(text="Hi"), turn(e.Prompt(text="Hi"), *text("Hello"))).result(10)
    assert [block["kind"] for block in run.snapshot()] == ["run", "prompt", "text"]
    run.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=6))
def test_going_back_marks_what_was_said_since_then_and_nothing_else(
    turns: list[tuple[bool, int]],
) -> None:
    stream, run = opened()
    current: list[str] = []
    for number, (goes_back, to) in enumerate(turns):
        prompts = [
            block
            for block in run.snapshot()
            if block["kind"] == "prompt" and not block.get("replaced")
        ]
        if goes_back and to < len(prompts):
            run.rewind(run.prompt_number(prompts[to]["id"]))
            del current[2 * to :]
        stream.answer(e.Prompt(text=f"q{number}"), turn(*text(f"a{number}"))).result(10)
        current += [f"q{number}", f"a{number}"]
    shown = [block["text"] for block in run.snapshot()[1:] if not block.get("replaced")]
    run.close()
    assert shown == current
