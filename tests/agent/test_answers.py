"""Questions of tools to the reader, where there is none: `generate`, with a handler and without
one.
"""

import asyncio
import threading
from typing import Any

import pytest
from agent.server import Server, say
from agent.test_agent import agent_of

from nbagent.agent import tool
from nbagent.agent.agent import Agent
from nbagent.errors import AgentError, AnswerError
from nbagent.events.question import Question

DELETE = say("chat", calls=[("c1", "delete", '{"name": "a"}')])


def careful(server: Server, **options: Any) -> Agent:
    @tool(approve=True)
    def delete(name: str) -> str:
        """Delete a file."""
        return f"deleted {name}"

    return agent_of(server, name="cleaner", tools=[delete], **options)


async def test_without_a_handler_a_question_ends_the_run_at_once() -> None:
    with Server(DELETE) as server:
        with pytest.raises(
            AgentError,
            match=r"cleaner waits for an answer: may it call delete\(\{'name': 'a'\}\)\? Give gen",
        ) as caught:
            await careful(server).generate("go")

    assert (caught.value.status, caught.value.code) == ("paused", "approval_required")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda question: True, "deleted a"),
        (
            lambda question: {"name": "b"},
            '(The user changed the arguments to {"name":"b"}.)\ndeleted b',
        ),
        (lambda question: False, "The user denied this call."),
        (lambda question: "not that one", "The user denied this call: not that one"),
        (
            lambda question: question.allow({"name": "c"}),
            '(The user changed the arguments to {"name":"c"}.)\ndeleted c',
        ),
    ],
)
async def test_a_handler_answers(answer: Any, told: str) -> None:
    async def later(question: Question) -> Any:
        return answer(question)

    for handler in (answer, later):
        with Server(DELETE, say("chat", "Done.")) as server:
            assert await careful(server).generate("go", answer=handler) == "Done."
            assert server.bodies[1]["messages"][-1]["content"] == told


async def test_a_handler_may_block_and_sees_the_question() -> None:
    seen: list[Question] = []
    go = threading.Event()

    def ask(question: Question) -> bool:
        seen.append(question)
        return go.wait(30)

    with Server(DELETE, say("chat", "Done.")) as server:
        answering = asyncio.create_task(careful(server).generate("go", answer=ask))
        while not seen:
            await asyncio.sleep(0)
        go.set()
        assert await answering == "Done."

    assert (seen[0].tool, seen[0].args, seen[0].kind, seen[0].can_remember) == (
        "delete",
        {"name": "a"},
        "tool",
        True,
    )


async def test_what_the_handler_raises_ends_the_run_and_is_raised() -> None:
    def broken(question: Question) -> None:
        raise KeyError("no")

    async def cancelled(question: Question) -> None:
        raise ValueError("later")

    with Server(DELETE, DELETE, DELETE) as server:
        with pytest.raises(KeyError, match="no"):
            await careful(server).generate("go", answer=broken)
        with pytest.raises(ValueError, match="later"):
            await careful(server).generate("go", answer=cancelled)
        with pytest.raises(AnswerError, match="name"):
            await careful(server).generate("go", answer=lambda question: {"name": 7, "other": 1})


async def test_a_handler_that_gives_no_answer_does_not_hang_the_run() -> None:
    with Server(DELETE) as server:
        with pytest.raises(AgentError, match="cleaner waits for an answer"):
            await careful(server).generate("go", answer=lambda question: None)


async def test_something_that_is_no_handler_is_refused() -> None:
    with (
        Server() as server,
        pytest.raises(
            TypeError,
            match="answer= must be a function that is called with each question; got bool",
        ),
    ):
        await careful(server).generate("go", answer=True)  # type: ignore[call-overload]
