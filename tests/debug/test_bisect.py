"""`nbagent.bisect`: the step of a failed run that is at fault is named, in few repetitions."""

import json
import math
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from agent.server import Exchange, Server, say
from debug.scenes import finished

import nbagent
from nbagent.debug.bisect import Bisection
from nbagent.errors import ForkError

LENGTH = 6
PROMPT = "Start with 1."


@dataclass
class Task:
    """A task of several calls: `add` a number to the last result, and tell the sum.

    The model's words are a function of the request. A fault makes one step of one run, or of all
    runs of an agent, wrong.

    Attributes:
        kind: "result" or "response"; "prompt" begins with another number.
        step: whose result or response is wrong, from 1.
        lasting: whether the fault comes again in later runs.
        length: number of calls.
    """

    kind: str = ""
    step: int = 0
    lasting: bool = False
    length: int = LENGTH
    broken: bool = False
    made: list[int] = field(default_factory=list)

    def is_wrong(self, kind: str, step: int) -> bool:
        return self.broken and (kind, step) == (self.kind, self.step)

    def reply(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*self.words(exchange.body["messages"]))
        exchange.end()

    def words(self, messages: list[dict[str, Any]]) -> list[Any]:
        """Return the model's response to messages."""
        results = [each["content"] for each in messages if each["role"] == "tool"]
        prompt = next(each["content"] for each in messages if each["role"] == "user")
        last = results[-1] if results else prompt.split()[-1].strip(".")
        step = len(results) + 1
        if step > self.length:
            total = int(last) + (100 if self.is_wrong("response", step) else 0)
            return say("chat", f"The sum is {total}.", number=step)
        number = int(last) + (7 if self.is_wrong("response", step) else 0)
        arguments = json.dumps({"number": number, "step": step})
        return say("chat", "", [(f"c{step}", "add", arguments)], number=step)

    def add(self, number: int, step: int) -> int:
        """Add one."""
        self.made.append(step)
        return number + (50 if self.is_wrong("result", step) else 1)

    def bisected(self, check: Any = None, **options: Any) -> tuple[Bisection, "Task"]:
        replies = [self.reply] * (self.length + 1) * 16
        with Server(*replies) as server:
            add = nbagent.tool(**options)(self.add)
            agent = nbagent.Agent("test-1", tools=[add], client=server.client(), max_steps=50)
            good = finished(agent.stream(PROMPT))
            self.broken = True
            prompt = "Start with 2." if self.kind == "prompt" else PROMPT
            bad = finished(agent.stream(prompt))
            self.broken = self.lasting
            self.made.clear()
            right = f"The sum is {1 + self.length}."
            return nbagent.bisect(bad, good, check=lambda run: run.text == right), self


def is_named(found: Bisection, task: Task) -> bool:
    return (found.fault, found.step) == (task.kind, task.step)


def limit(task: Task) -> float:
    return math.log2(task.length + 1) + 2


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize(
    ("kind", "step"), [("result", 1), ("result", 4), ("response", 3), ("response", 7)]
)
def test_the_step_at_fault_is_named(kind: str, step: int, lasting: bool) -> None:
    found, task = Task(kind, step, lasting).bisected()
    assert is_named(found, task), found
    assert found.tool == ("add" if kind == "result" else None)
    assert len(found.runs) <= limit(task)


def test_a_wrong_result_is_told_beside_the_right_one() -> None:
    found, _ = Task("result", 2).bisected()
    assert (found.bad, found.good) == ("52", "3")
    assert repr(found).startswith('step 2, result of add: "52" in the failed run, "3" in the good')


def test_another_prompt_is_named() -> None:
    found, _ = Task("prompt", 0).bisected()
    assert (found.fault, found.bad, found.good) == ("prompt", "Start with 2.", PROMPT)


def test_a_tool_that_must_not_be_called_twice_is_not_called() -> None:
    found, task = Task("result", 3).bisected(once=True)
    assert is_named(found, task)
    assert task.made == []


def test_a_call_that_no_run_has_is_made_once() -> None:
    _, task = Task("response", 2, lasting=True).bisected()
    assert len(task.made) == len(set(task.made))


def test_tools_of_an_agent_that_takes_over_are_not_called_either() -> None:
    task = Task("result", 2)

    def reply(exchange: Exchange) -> None:
        messages = exchange.body["messages"]
        if messages[0]["content"] == "Hand over.":
            words = say("chat", "", [("h1", "transfer_to_adder", "{}")], number=1)
        else:
            words = task.words([each for each in messages if each.get("tool_call_id") != "h1"])
        exchange.begin()
        exchange.send(*words)
        exchange.end()

    with Server(*[reply] * (LENGTH + 2) * 16) as server:
        adder = nbagent.Agent("test-1", tools=[task.add], client=server.client(), name="adder")
        first = nbagent.Agent("test-1", "Hand over.", client=server.client(), handoffs=[adder])
        good = finished(first.stream(PROMPT))
        task.broken = True
        bad = finished(first.stream(PROMPT))
        task.made.clear()
        found = nbagent.bisect(bad, good, check=lambda run: run.text == good.text)
    assert (found.fault, found.step, found.tool) == ("result", 3, "add")
    assert task.made == []


def test_a_check_that_does_not_tell_the_runs_apart_is_refused() -> None:
    with Server(*[Task().reply] * 20) as server:
        agent = nbagent.Agent("test-1", tools=[Task().add], client=server.client())
        run = finished(agent.stream(PROMPT))
        with pytest.raises(ForkError, match="the check passes for"):
            nbagent.bisect(run, run, check=lambda run: True)
        with pytest.raises(ForkError, match="the check fails for"):
            nbagent.bisect(run, run, check=lambda run: False)


@pytest.mark.proof
def test_of_a_hundred_seeded_faults_at_least_ninety_are_named() -> None:
    seeds = random.Random(36)
    named = 0
    for _ in range(100):
        length = seeds.randint(2, 12)
        kind = seeds.choice(["result", "response"])
        step = seeds.randint(1, length + (kind == "response"))
        task = Task(kind, step, seeds.random() < 0.5, length)
        found, _ = task.bisected()
        assert len(found.runs) <= limit(task)
        named += is_named(found, task)
    assert named >= 90
