"""`run.fork(resume=…)`: forks that go on in the code that made the run."""

from collections.abc import Iterator
from typing import Any

import pytest
from debug.scenes import SEAM, finished, seams

import nbagent
from nbagent import events as e
from nbagent.debug.resumed import prompt_of
from nbagent.errors import ForkError
from nbagent.sources.asked import asked_of


def called(*ids: str) -> Iterator[e.Event]:
    """Call a tool once for each id, then answer."""
    for id in ids:
        yield e.ToolStart(id=id, name="fetch", call_id=id)
        yield e.ToolArgs(id=id, args={"of": id}, args_text=f'{{"of": "{id}"}}')
    for id in ids:
        yield e.ToolResult(id=id, content=f"result of {id}")
    yield e.TextDelta(id="t1", delta="The answer.")


def run_of(*ids: str) -> nbagent.Run:
    return finished(called(*ids), prompt="What?")


def test_the_function_gets_all_that_the_model_is_told_and_its_stream_is_shown() -> None:
    told: list[Any] = []

    def resume(messages: list[Any]) -> Iterator[str]:
        told.extend(messages)
        return iter(["Another answer."])

    made = run_of("a", "b").fork(at=0, result=9, resume=resume, face="console").wait(60)
    assert [message["role"] for message in told] == ["user", "assistant", "tool", "tool"]
    assert [message["content"] for message in told[2:]] == ["9", "result of b"]
    assert [call.result for call in made.tools] == [9, "result of b"]
    assert made.text == "Another answer."
    assert seams(made) == [f'{SEAM}fetch(of="a"), result 9']


def test_a_fork_of_such_a_fork_goes_on_too() -> None:
    def resume(messages: list[Any]) -> Iterator[e.Event]:
        return called(f"c{len(messages)}")

    first = run_of("a").fork(at=2, resume=resume, face="console").wait(60)
    second = first.fork(at=3, resume=resume, face="console").wait(60)
    assert [call.args["of"] for call in second.tools] == ["a", "c3", "c5"]


def test_messages_are_changed_for_the_framework_too() -> None:
    told: list[Any] = []

    def resume(messages: list[Any]) -> Iterator[str]:
        told.extend(messages)
        return iter(["x"])

    def edit(messages: list[Any]) -> list[Any]:
        return [{"role": "system", "content": "Be brief."}, *messages[:-1]]

    run_of("a", "b").fork(at=2, messages=edit, resume=resume, face="console").wait(60)
    assert [message["role"] for message in told] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"at": "fetch"}, "give its result="),
        ({"at": 2, "instructions": "x"}, "instructions= is for a fork"),
        ({"at": 2, "model": "x"}, "model= is for a fork"),
    ],
)
def test_what_a_framework_cannot_do_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ForkError, match=told):
        run_of("a").fork(**options, resume=lambda messages: iter("a"))


def test_an_object_of_no_framework_tells_no_prompt() -> None:
    assert prompt_of(asked_of(called("a"))) is None
    assert asked_of(object()) == ("", None)
