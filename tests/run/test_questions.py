"""Questions of a run to its reader, and the ways to answer them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import nbagent
from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.events.question import Question
from nbagent.run import Run
from nbagent.run.question import unmasked

CARD = "4111 1111 1111 1111"


class Asker:
    """A stream that asks one question, and tells the answer."""

    def __init__(self, **fields: Any) -> None:
        self.answers: list[e.ApprovalResponse] = []
        self._given = threading.Event()
        args = fields.setdefault("args", {"year": 2024})
        self.request = e.ApprovalRequest(
            approval_id="q1", tool_id="c1", reply=e.Live(e.Reply(self._take, args)), **fields
        )

    def _take(self, response: e.ApprovalResponse) -> None:
        if response.value == {"year": "x"}:
            raise AnswerError("year must be a number")
        self.answers.append(response)
        self._given.set()

    def __iter__(self) -> Iterator[e.Event]:
        yield e.RunStart()
        yield e.ToolStart(id="c1", name="rates")
        yield self.request
        self._given.wait()
        yield e.ApprovalResponse(
            approval_id="q1", decision=self.answers[0].decision, value=self.answers[0].value
        )
        yield e.ToolResult(id="c1", content="done")
        yield e.RunEnd(status="completed")


def waiting(asker: Asker, **options: Any) -> Run:
    """Return a run that waits for an answer."""
    run = Run(asker, **options)
    run.start()
    next(iter(run.stream("approval.request")))
    return run


def test_a_question_says_what_is_asked_and_waits_for_its_answer() -> None:
    asker = Asker(can_remember=True, schema={"type": "object"})
    run = waiting(asker)
    (question,) = run.waiting
    assert (question.id, question.tool, question.args, question.schema) == (
        "q1",
        "rates",
        {"year": 2024},
        {"type": "object"},
    )
    run.answer(question.id, True, {"year": 1999}, remember=True)
    assert run.wait(10).waiting == []
    assert asker.answers == [
        e.ApprovalResponse(
            approval_id="q1", decision="approve", value={"year": 1999}, remember=True
        )
    ]


def test_an_answer_that_does_not_fit_leaves_the_question() -> None:
    asker = Asker()
    run = waiting(asker)
    with pytest.raises(AnswerError, match="year must be a number"):
        run.respond("q1", value={"year": "x"})
    with pytest.raises(
        AnswerError, match="no question 'q2' waits for an answer \\(waiting: 'q1'\\)"
    ):
        run.respond("q2")
    with pytest.raises(
        AnswerError,
        match=r"decision must be one of 'approve', 'deny', 'cancel' here, or True or .*; got 'yes'",
    ):
        run.respond("q1", "yes")  # type: ignore[arg-type]
    run.waiting[0].deny("too old")
    run.wait(10)
    assert asker.answers == [
        e.ApprovalResponse(approval_id="q1", decision="deny", reason="too old")
    ]
    with pytest.raises(AnswerError, match="waiting: none"):
        run.respond("q1")


@pytest.mark.parametrize(
    ("returned", "answer"),
    [
        (True, {"decision": "approve"}),
        (False, {"decision": "deny"}),
        ({"year": 1}, {"decision": "approve", "value": {"year": 1}}),
        ("too old", {"decision": "deny", "reason": "too old"}),
    ],
)
def test_a_handler_answers_by_what_it_returns(returned: Any, answer: dict[str, Any]) -> None:
    asker = Asker()
    Run(asker, answer=lambda question: returned).start()
    asker._given.wait(10)
    assert asker.answers == [e.ApprovalResponse(approval_id="q1", **answer)]


async def test_an_async_handler_may_take_its_time() -> None:
    async def handler(question: Question) -> bool:
        await asyncio.sleep(0)
        return bool(question.args["year"] > 2000)

    asker = Asker()
    run = Run(asker, answer=handler)
    run.start()
    await run
    assert asker.answers[0].decision == "approve"


def test_a_handler_may_leave_the_question_to_the_reader() -> None:
    asker = Asker()
    seen = threading.Event()
    run = waiting(asker, answer=lambda question: seen.set())
    assert seen.wait(10)
    assert len(run.waiting) == 1
    run.waiting[0].allow()
    run.wait(10)


def test_no_silence_is_too_long_while_a_person_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    run = waiting(Asker(), idle_timeout=0.05)
    assert not run._pipeline.done.done()
    with pytest.raises(TimeoutError, match="still running"):
        run.wait(0.3)
    run.waiting[0].allow()
    assert run.wait(10).status == "completed"


async def test_the_question_of_the_second_of_two_agents_is_answered() -> None:
    @nbagent.tool(approve=True)
    def rates(year: int) -> str:
        """Return the rates of a year."""
        return f"rates of {year}"

    agent = nbagent.Agent("demo", tools=[rates])

    async def both() -> AsyncIterator[e.Event]:
        for year in (2023, 2024):
            async for event in agent.stream(f"Call rates for {year}"):
                yield event

    run = Run(both(), answer=lambda question: True)
    run.start()
    await run
    assert [call.result for call in run.tools] == ["rates of 2023", "rates of 2024"]


def test_lanes_are_asked_each_for_itself() -> None:
    askers = [Asker(args={"year": 1}), Asker(args={"year": 2})]
    run = nbagent.show(*askers, face="console", answer=lambda question: question.args["year"] == 2)
    assert [lane.status for lane in run.lanes] == ["completed"] * 2
    assert [asker.answers[0].decision for asker in askers] == ["deny", "approve"]


def test_masked_arguments_that_the_reader_leaves_alone_reach_the_tool_as_they_are() -> None:
    asker = Asker(args={"card": CARD, "year": 2024})
    run = waiting(asker, redact=[r"\d{4} \d{4} \d{4} \d{4}"])
    shown = run.waiting[0].args
    assert CARD not in str(shown)
    run.waiting[0].allow({**shown, "year": 1999})
    run.wait(10)
    assert asker.answers[0].value == {"card": CARD, "year": 1999}


def test_arguments_that_are_hidden_cannot_be_changed() -> None:
    run = waiting(Asker(schema={"type": "object"}), hide={"rates": "args"})
    assert (run.waiting[0].args, run.waiting[0].schema) == (None, None)
    run.waiting[0].allow()
    run.wait(10)


SHOWN, ORIGINAL = ["•••1", "b", "•••2"], ["secret1", "b", "secret2"]


@pytest.mark.parametrize(
    ("value", "restored"),
    [
        (SHOWN, ORIGINAL),
        (["b", "•••2"], ["b", "secret2"]),
        (["•••2", "•••1", "b", "new"], ["secret2", "secret1", "b", "new"]),
        (["•••1", "c", "•••2"], ["secret1", "c", "secret2"]),
    ],
)
def test_masked_items_of_a_list_are_found_where_they_are_moved(
    value: list[str], restored: list[str]
) -> None:
    assert unmasked(value, SHOWN, ORIGINAL) == restored


def test_a_mask_never_reaches_a_tool() -> None:
    with pytest.raises(AnswerError, match="holds a part of a masked text"):
        unmasked({"a": "•••2 and more"}, {"a": "•••2"}, {"a": "secret2"})
    with pytest.raises(AnswerError, match="look the same where they are masked"):
        unmasked(["•••"], ["•••", "•••"], ["one", "two"])
    assert unmasked({"a": "• x"}, {"a": "•"}, {"a": "•"}) == {"a": "• x"}
