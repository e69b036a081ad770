"""`bisect`: the step of a failed run that is at fault, found by repeating parts of runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model.recorded_run import RecordedCall, RecordedRun, RecordedStep
from nbagent.agent.tools.tool import AnyTool, Tool
from nbagent.debug.continued import Continued
from nbagent.debug.forked import Forked
from nbagent.debug.origin import recorded_of
from nbagent.debug.point import Point
from nbagent.debug.variant import variant
from nbagent.errors import ForkError, ToolError
from nbagent.render.json_text import compact
from nbagent.run import Run

Fault: TypeAlias = Literal["prompt", "response", "result"]


@dataclass(frozen=True, kw_only=True)
class Bisection:
    """The first step that decides whether a run passes its check.

    Attributes:
        fault: what is wrong: the `"prompt"`, the model's `"response"`, or a tool's `"result"`.
        step: number of the model's response in the failed run, from 1; 0 for the prompt.
        tool: name of the tool whose result is wrong; None otherwise.
        bad: what the failed run has there: the prompt, the response or the result.
        good: what the good run has there; None if it has no such step.
        runs: the runs that were made for it, the first one first; none of them is shown.
    """

    fault: Fault
    step: int
    tool: str | None = None
    bad: Any = None
    good: Any = None
    runs: list[Run] = field(default_factory=list, compare=False)

    def __repr__(self) -> str:
        where = self.fault if self.step == 0 else f"step {self.step}, {self.fault}"
        of_tool = "" if self.tool is None else f" of {self.tool}"
        return (
            f"{where}{of_tool}: {compact(self.bad)[:200]} in the failed run, "
            f"{compact(self.good)[:200]} in the good one ({len(self.runs)} runs made)"
        )


def bisect(
    bad: Run, good: Run, *, check: Callable[[Run], Any], agent: Any = None, timeout: float = 300
) -> Bisection:
    """Find the first step of a failed run that makes it fail.

        found = nbagent.bisect(bad, good, check=lambda run: "1.09" in run.text)
        found.step, found.fault, found.tool     # (2, "result", "fetch_rates")

    Parts of the two runs are repeated and go on live, at most log₂(steps) + 2 times: the model is
    asked, and tools give what they gave in the failed run. A fault that comes again is looked for
    by the number of steps that are taken from the good run; one that does not, by the number of
    steps of the failed run after which it can no longer be helped.

    A call that the failed run does not have is made by its function, once for all repetitions. A
    tool that is marked `once=True`, or asks before it is called, is never called.

    Args:
        bad: fails the check.
        good: passes it; a run of the same task, whose prompt may differ.
        check: returns True for a run that is right.
        agent: goes on; by default that of `bad`.
        timeout: seconds that one repetition may take.

    Raises:
        ForkError: a run cannot be repeated, or the check does not tell the two apart.
        TimeoutError: a repetition took too long.
    """
    own = bad.own_agent if agent is None else agent
    if not isinstance(own, Agent):
        raise ForkError("bisect needs the agent to go on with: give bisect(…, agent=nbagent.Agent)")
    if check(bad):
        raise ForkError(f"the check passes for {bad.name}, which is to be the failed run")
    if not check(good):
        raise ForkError(f"the check fails for {good.name}, which is to be the good run")
    return _Search(bad, good, check, own, timeout).result()


class _Search:
    def __init__(
        self, bad: Run, good: Run, check: Callable[[Run], Any], agent: Agent, timeout: float
    ) -> None:
        self._bad, self._good = bad, good
        self._recorded = {id(bad): recorded_of(bad), id(good): recorded_of(good)}
        self._check = check
        self._agent = agent
        self._timeout = timeout
        self._known = KnownResults(self._recorded[id(bad)].steps, self._recorded[id(good)].steps)
        self._runs: list[Run] = []

    def result(self) -> Bisection:
        bad, good = self._recorded[id(self._bad)], self._recorded[id(self._good)]
        if self._passes(self._bad, 0):
            step = _first(lambda taken: not self._passes(self._bad, taken), 0, len(bad.steps))
            return self._named(step, _counterpart(good.steps, bad.steps, step))
        before = 0
        if _prompt(bad) != _prompt(good):
            before = -1
        step = _first(lambda taken: self._passes(self._good, taken), before, len(good.steps))
        return self._named(_counterpart(bad.steps, good.steps, step), step)

    def _passes(self, run: Run, taken: int) -> bool:
        """Repeat the first steps of a run, go on live, and return what the check says."""
        recorded = self._recorded[id(run)]
        made = Forked(recorded, Point(recorded.steps[taken]), run.conversation)
        calls = Counter(
            key for step in recorded.steps[:taken] for key in map(_key_of, step.calls.values())
        )
        agent = self._knowing(self._agent, calls, {})
        past = made.past([], agent)
        going_on = Continued(agent, made.prompt(None), past, made.record())
        stream = going_on.stream(self._bad.asked_form)
        again = Run(stream, answer=lambda question: "a bisection asks nobody")
        self._runs.append(again)
        again.start()
        try:
            again.wait(self._timeout)
        finally:
            again.cancel()
        return bool(self._check(again))

    def _knowing(self, agent: Agent, calls: "Counter[str]", made: dict[int, Agent]) -> Agent:
        """Return an agent whose tools give known results, as do those of the agents that take over.

        Args:
            agent: is left as it is.
            calls: that were made.
            made: gets the agents, by those that they are made of.
        """
        if id(agent) not in made:
            made[id(agent)] = knowing = variant(agent, None, None, None)
            knowing._tools = {
                name: _KnownTool(tool, self._known, calls) for name, tool in knowing._tools.items()
            }
            knowing.handoffs = [self._knowing(each, calls, made) for each in agent.handoffs]
        return made[id(agent)]

    def _named(self, number: int, of_right: int) -> Bisection:
        """Return what is wrong in a step, as far as the two runs differ there.

        Args:
            number: of the step in the failed run.
            of_right: the number that it has in the good one.
        """
        bad, good = self._recorded[id(self._bad)], self._recorded[id(self._good)]
        runs = self._runs
        if number == 0:
            return Bisection(
                fault="prompt", step=0, bad=_prompt(bad), good=_prompt(good), runs=runs
            )
        of_bad, of_good = _step(bad, number), _step(good, of_right)
        told, right = _response(of_bad), _response(of_good)
        if of_bad is not None and of_good is not None and _calls(of_bad) == _calls(of_good):
            pairs = zip(of_bad.calls.values(), of_good.calls.values(), strict=True)
            for call, other in pairs:
                if call.output != other.output:
                    return Bisection(
                        fault="result",
                        step=number,
                        tool=call.start.name,
                        bad=call.output,
                        good=other.output,
                        runs=runs,
                    )
        return Bisection(fault="response", step=number, bad=told, good=right, runs=runs)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first number for which something holds.

    Args:
        holds: is asked for numbers between the two, about log₂ of them.
        low: a number for which it does not hold.
        high: a number for which it holds.
    """
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


class KnownResults:
    """Results of calls by tool and arguments: those of two runs, the failed one first, and of the
    calls that were made since.
    """

    def __init__(self, *runs: Iterable[RecordedStep]) -> None:
        self._by_call: dict[str, list[Any]] = {}
        self._by_tool: dict[str, list[tuple[Any, Any]]] = {}
        for steps in runs:
            found: dict[str, list[Any]] = {}
            for call in chain.from_iterable(step.calls.values() for step in steps):
                if call.result is not None:
                    found.setdefault(_key_of(call), []).append(call.result)
                    made = (_arguments_of(call), call.result)
                    self._by_tool.setdefault(call.start.name, []).append(made)
            self._by_call = {**found, **self._by_call}

    def of(self, key: str, number: int) -> Any:
        """Return the result of a call, by the number of equal ones before it; None if none is
        known.
        """
        results = self._by_call.get(key)
        if results is None:
            return None
        return results[min(number, len(results) - 1)]

    def of_tool(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return the result of the call whose arguments agree most; None if none is known."""
        known = self._by_tool.get(name, [])
        best = max(known, key=lambda call: _agreement(call[0], arguments), default=(None, None))
        return best[1]

    def add(self, key: str, result: Any) -> None:
        """Keep the result of a call that was made."""
        self._by_call[key] = [result]


class _Made(msgspec.Struct):
    """Outcome of a call that was made for a bisection."""

    value: Any = None
    error: Exception | None = None


class _KnownTool(Tool[..., Any]):
    """A tool that gives known results, and calls its function for others.

    Args:
        tool: that is called.
        known: the results.
        calls: number of calls so far, by their key.
    """

    def __init__(self, tool: AnyTool, known: KnownResults, calls: "Counter[str]") -> None:
        vars(self).update(vars(tool))
        self._tool = tool
        self._known = known
        self._calls = calls
        self.has_effects = tool.once or tool.approve is not False
        self.approve, self.once = False, False

    async def run(
        self, arguments: Mapping[str, Any], show: Callable[[Any], None] = lambda value: None
    ) -> Any:
        """Return the known result of a call, or make it."""
        key = _key(self.name, arguments)
        number = self._calls[key]
        self._calls[key] += 1
        result = self._known.of(key, number)
        if result is None:
            if self.has_effects:
                result = self._known.of_tool(self.name, arguments)
            else:
                result = await self._made(arguments, show)
                self._known.add(key, result)
        if result is None:
            raise ToolError(f"{self.name} has effects: a bisection does not call it")
        return _returned(result)

    async def _made(self, arguments: Mapping[str, Any], show: Callable[[Any], None]) -> _Made:
        """Make a call."""
        try:
            return _Made(value=await self._tool.run(arguments, show))
        except Exception as error:
            return _Made(error=error)


def _returned(result: Any) -> Any:
    """Return what a call returned, or raise what it raised."""
    if isinstance(result, _Made):
        if result.error is not None:
            raise result.error
        return result.value
    if result.exception is not None:
        raise result.exception.value
    if result.status != "ok":
        message = ""
        if result.error is not None:
            message = result.error.message
        raise ToolError(message)
    if result.value is None:
        return result.content
    return result.value.value


def _key(tool: str, arguments: Any) -> str:
    return f"{tool} {msgspec.json.encode(arguments, order='sorted', enc_hook=repr).decode()}"


def _key_of(call: RecordedCall) -> str:
    return _key(call.start.name, _arguments_of(call))


def _arguments_of(call: RecordedCall) -> Any:
    ran = call.ran or call.args
    if ran is None:
        return {}
    return ran.args


def _agreement(known: Any, arguments: Mapping[str, Any]) -> int:
    """Return the number of arguments that two calls have in common."""
    if not isinstance(known, dict):
        return 0
    return sum(name in known and known[name] == value for name, value in arguments.items())


def _counterpart(steps: Sequence[RecordedStep], others: Sequence[RecordedStep], number: int) -> int:
    """Return the number that a step of another run has in this one, where either may have steps
    that the other does not have.

    Args:
        steps: of this run.
        others: of the other run.
        number: of the step in the other run; 0 for the prompt.
    """
    if number <= 0:
        return 0
    at = 0
    for step in others[: number - 1]:
        same = _next(steps, at, _calls, _calls(step))
        if same is not None:
            at = same + 1
        elif at < len(steps) and _tools(steps[at]) == _tools(step):
            at += 1  # the same step, with other arguments
    if number > len(others):
        return at + 1
    found = _next(steps, at, _tools, _tools(others[number - 1]))
    if found is None:
        return at + 1
    return found + 1


def _next(
    steps: Sequence[RecordedStep],
    begin: int,
    key: Callable[[RecordedStep], list[Any]],
    wanted: list[Any],
) -> int | None:
    """Return the index of the next step with that key; None if there is none."""
    return next((at for at in range(begin, len(steps)) if key(steps[at]) == wanted), None)


def _calls(step: RecordedStep) -> list[Any]:
    """Return what a step decides: its calls; the text of one without calls."""
    calls: list[Any] = [
        [call.start.name, call.args and call.args.args] for call in step.calls.values()
    ]
    return calls or [_text(step)]


def _tools(step: RecordedStep) -> list[Any]:
    return [call.start.name for call in step.calls.values()]


def _text(step: RecordedStep) -> str:
    return "".join(event.delta for event in step.events if isinstance(event, e.TextDelta))


def _prompt(run: RecordedRun) -> str | None:
    if not run.prompts:
        return None
    return run.prompts[-1][0].text


def _step(run: RecordedRun, number: int) -> RecordedStep | None:
    if number > len(run.steps):
        return None
    return run.steps[number - 1]


def _response(step: RecordedStep | None) -> Any:
    """Return what the model wrote in a step: its text, and its calls."""
    if step is None:
        return None
    if not step.calls:
        return [_text(step)]
    return [_text(step), *_calls(step)]
