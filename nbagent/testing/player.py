"""Runs in a test: played to their end, and returned as the calls that were made."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nbagent.agent.model.recorded_run import recorded_run
from nbagent.agent.tools.decorator import tool_of
from nbagent.agent.tools.tool import AnyTool, Tool
from nbagent.errors import NbagentError, ToolError
from nbagent.run import Run
from nbagent.testing.replies import Call, made_call

TIMEOUT_S = 60.0
"""Seconds that a run in a test may take, unless `play` is given another limit."""


def play(stream: Any, *, answers: Iterable[Any] = (), timeout: float = TIMEOUT_S) -> Run:
    """Run a stream to its end, without showing it, and return the run.

    Args:
        stream: as for `nbagent.show`, such as `agent.stream("…")`.
        answers: to the questions of tools that ask before they are called, in order: True, False,
            changed arguments, or a text as the reason of a denial. Further questions are denied.
        timeout: seconds.

    Raises:
        TimeoutError: the run goes on.
    """
    waiting = itertools.chain(answers, itertools.repeat("the test has no answer to this question"))
    run = Run(stream, answer=lambda question: next(waiting))
    run.start()
    try:
        return run.wait(timeout)
    finally:
        run.cancel()


def calls_of(run: Run) -> list[Call]:
    """Return the calls of a run's own agent in order, each with its result as the model read it."""
    try:
        return [made_call(call) for call in recorded_run(run.events).calls]
    except NbagentError:  # it has no response of a model
        return []


def stand_in(tool: AnyTool | Callable[..., Any], *results: Any) -> AnyTool:
    """Return a tool that takes the same arguments, and returns the given results in order: for one
    that must not run in a test.

    Args:
        tool: the tool, or its function.
        results: one for each call.
    """
    return _StandIn(tool_of(tool) or Tool(tool), iter(results))


def stub(tool: AnyTool | Callable[..., Any], *calls: Call) -> AnyTool:
    """Return a tool that gives some of its calls their results, each once and in order, and calls
    its function for all others.

        stub(fetch_rates, Call("fetch_rates", {"year": 2023}, result={"rate": 99}))

    Args:
        tool: the tool, or its function.
        calls: with their arguments, and their result or error.
    """
    return _Stub(tool_of(tool) or Tool(tool), calls)


class _Stub(Tool[..., Any]):
    def __init__(self, tool: AnyTool, calls: Iterable[Call]) -> None:
        vars(self).update(vars(tool))
        self._tool = tool
        self._calls = list(calls)

    async def run(
        self, arguments: Mapping[str, Any], show: Callable[[Any], None] = lambda value: None
    ) -> Any:
        """Return the given result of a call, raise its error, or make it."""
        self.check(arguments)
        call = next((each for each in self._calls if each.args == arguments), None)
        if call is None:
            return await self._tool.run(arguments, show)
        self._calls.remove(call)
        if call.error:
            kind, _, message = call.error.partition(": ")
            raise type(kind, (ToolError,), {})(message)
        return call.result


class _StandIn(Tool[..., Any]):
    def __init__(self, tool: AnyTool, results: Iterator[Any]) -> None:
        super().__init__(tool.function, name=tool.name, description=tool.description)
        self._results = results

    async def run(
        self, arguments: Mapping[str, Any], show: Callable[[Any], None] = lambda value: None
    ) -> Any:
        """Return the next result."""
        self.check(arguments)
        for result in self._results:
            return result
        raise NbagentError(f"{self.name} was called more often than the stand-in has results")
