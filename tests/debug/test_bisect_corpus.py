"""`nbagent.bisect` on harder faults: two at once, hidden until the end, beside harmless
differences, in calls that are made together, and of tools that must not be called twice.
"""

import json
import math
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from agent.server import Exchange, Server, say
from campaign import figure
from debug.scenes import finished

import nbagent
from nbagent.debug.bisect import Bisection

PROMPT = "Start with 1."


@dataclass
class Fault:
    """A mistake in a step, from 1: in its `result` or its `response`."""

    kind: str
    step: int


@dataclass
class Task:
    """A task of several calls: `add` numbers, and tell the sum of the results.

    Attributes:
        faults: of the failed run.
        length: number of responses with calls.
        lasting: whether the faults come again in later runs.
        hidden: a result is used in the end only; else each call goes on with the last result.
        extra: response of the failed run before which it looks something up, which changes nothing;
            0 for none.
        width: calls of a response; a fault of a result is in the last one.
        wordy: the model says something else beside its calls in each run.
        once: whether the tool must not be called twice.
    """

    faults: list[Fault]
    length: int
    lasting: bool = False
    hidden: bool = False
    extra: int = 0
    width: int = 1
    wordy: bool = False
    once: bool = False
    broken: bool = False
    runs: int = 0
    made: list[tuple[int, int]] = field(default_factory=list)

    def off(self, kind: str, step: int) -> int:
        """Return by how much a step is wrong."""
        if not self.broken:
            return 0
        return sum(
            10 * fault.step for fault in self.faults if (fault.kind, fault.step) == (kind, step)
        )

    def reply(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(*self.words(exchange.body["messages"]))
        exchange.end()

    def words(self, messages: list[dict[str, Any]]) -> list[Any]:
        """Return the model's response to messages."""
        names = {
            call["id"]: call["function"]["name"]
            for message in messages
            for call in message.get("tool_calls") or ()
        }
        outputs = [each for each in messages if each["role"] == "tool"]
        results = [int(each["content"]) for each in outputs if names[each["tool_call_id"]] == "add"]
        has_looked = len(outputs) > len(results)
        step = len(results) // self.width + 1
        self.runs += not outputs
        number = len(outputs) + 1
        text = f"Run {self.runs}, step {step}." if self.wordy else ""
        if self.broken and step == self.extra and not has_looked:
            return say("chat", text, [(f"l{number}", "look", "{}")], number=number)
        if step > self.length:
            total = sum(results) + self.off("response", step)
            return say("chat", f"The sum is {total}.", number=number)
        last = results[-1] if results and not self.hidden else step
        first = last + self.off("response", step)
        calls = [
            (
                f"c{number}-{place}",
                "add",
                json.dumps({"number": first, "step": step, "place": place}),
            )
            for place in range(self.width)
        ]
        return say("chat", text, calls, number=number)

    def add(self, number: int, step: int, place: int) -> int:
        """Add one."""
        self.made.append((step, place))
        is_last = place == self.width - 1
        return number + 1 + (self.off("result", step) if is_last else 0)

    def look(self) -> str:
        """Look something up."""
        return "nothing"

    def bisected(self) -> Bisection:
        with Server(*[self.reply] * 40 * (self.length + 2)) as server:
            tools: list[Any] = [nbagent.tool(once=self.once)(self.add), self.look]
            agent = nbagent.Agent("test-1", tools=tools, client=server.client(), max_steps=50)
            good = finished(agent.stream(PROMPT))
            self.broken = True
            bad = finished(agent.stream(PROMPT))
            self.broken = self.lasting
            self.made.clear()
            return nbagent.bisect(bad, good, check=lambda run: run.text.endswith(told_by(good)))

    def names(self, found: Bisection) -> bool:
        """Return True if one of the faults was found, by its number in the failed run."""
        shifted = [
            (fault.kind, fault.step + bool(0 < self.extra <= fault.step)) for fault in self.faults
        ]
        return (found.fault, found.step) in shifted

    @property
    def limit(self) -> float:
        return math.log2(self.length + 2) + 2


def told_by(run: nbagent.Run) -> str:
    return str(run.answer)


def seeded(seeds: random.Random) -> Task:
    length = seeds.randint(2, 10)
    steps = seeds.sample(range(1, length + 1), seeds.choice([1, 1, 2]))
    faults = [Fault(seeds.choice(["result", "response"]), step) for step in steps]
    return Task(
        faults,
        length,
        lasting=seeds.random() < 0.5,
        hidden=seeds.random() < 0.5,
        extra=seeds.choice([0, 0, seeds.randint(1, length)]),
        width=seeds.choice([1, 1, 2]),
        wordy=seeds.random() < 0.5,
        once=seeds.random() < 0.3,
    )


@pytest.mark.parametrize(
    "task",
    [
        Task([Fault("result", 2), Fault("response", 4)], 5),
        Task([Fault("result", 2), Fault("response", 4)], 5, lasting=True),
        Task([Fault("result", 2)], 5, hidden=True, lasting=True),
        Task([Fault("result", 3)], 5, extra=2, lasting=True),
        Task([Fault("result", 3)], 5, extra=2, wordy=True),
        Task([Fault("result", 3)], 4, width=2, once=True, lasting=True),
        Task([Fault("response", 2)], 4, once=True, hidden=True),
    ],
    ids=["two", "two lasting", "hidden", "shifted", "wordy", "together", "once"],
)
def test_a_fault_is_named_where_it_is_in_the_failed_run(task: Task) -> None:
    found = task.bisected()
    assert task.names(found), found
    assert len(found.runs) <= task.limit
    assert not (task.once and task.made)


@pytest.mark.proof
def test_of_a_hundred_harder_faults_at_least_ninety_are_named() -> None:
    seeds = random.Random(360)
    missed = []
    for _ in range(100):
        task = seeded(seeds)
        found = task.bisected()
        assert len(found.runs) <= task.limit
        assert not (task.once and task.made)
        if not task.names(found):
            missed.append((task, found))
    print(*missed, sep="\n")
    figure("bisect", "harder faults named, of 100", 100 - len(missed))
    assert len(missed) <= 10
