"""Calls of tools by other code than an agent of nbagent's: another framework, or the reader's own.

Inside a run that is shown, such a call is shown there with its true arguments, its live result,
what it prints, and what it raises, and it obeys the run's breakpoints. Outside of runs, calling the
tool is calling its function.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import msgspec

from nbagent import events as e
from nbagent.agent.calls.arguments import CallArguments
from nbagent.agent.calls.breakpoint_prompts import BreakpointPrompts
from nbagent.agent.calls.console_router import routed_console
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.calls.outcome import denial, failed
from nbagent.agent.calls.output import CallOutput
from nbagent.agent.calls.pyplot_figures import PyplotFigures
from nbagent.agent.calls.questions import Questions
from nbagent.agent.calls.repeat import repeatable
from nbagent.agent.calls.results import CallResults, result_of
from nbagent.agent.model import injected
from nbagent.agent.options import AgentOptions
from nbagent.agent.run.limits import Spending
from nbagent.agent.tools.tool import RESULT_CHARS, AnyTool, in_thread, set_caller
from nbagent.errors import ToolError
from nbagent.mime import error_of
from nbagent.mime.text import MASK
from nbagent.run_context import CURRENT_RUN, Breakpoints, RunContext, is_watched, run_of_call
from nbagent.run_context.faults import FAULTS, due_faults
from nbagent.runtime import kernel, loop

_NO_STOPS = Breakpoints()


@dataclass(frozen=True, slots=True)
class _OnOurLoop:
    """A step that nbagent's own loop takes."""

    coroutine: Coroutine[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class _OfFunction:
    """The step that calls the function itself."""

    call: Callable[[], Any]


_Steps: TypeAlias = Generator[_OnOurLoop | _OfFunction, Any, Any]


def call_tool(tool: AnyTool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a tool's function, and show the call in the run around, if there is one.

    A sync function runs on the caller's thread, which waits at a breakpoint; an async one on the
    caller's loop, which does not.
    """
    # Part of a call that is shown is what its tool calls in turn.
    around = run_of_call(tool.name) if is_watched() and CURRENT_CALL.get() is None else None
    # A wait for nbagent's own loop on that loop would never end.
    if around is None or _is_generator(tool) or (loop.is_current() and not tool.is_async):
        return _call_plainly(tool, partial(tool.function, *args, **kwargs))
    steps = OutsideCall(tool, args, kwargs, around).steps()
    if tool.is_async:
        return _take_async(steps)
    return _take(steps)


def _call_plainly(tool: AnyTool, call: Callable[[], Any]) -> Any:
    struck = due_faults(tool.name)
    if struck and tool.is_async and not _is_generator(tool):
        return injected.before_plain_async_call(call, struck)
    injected.before_plain_call(struck)
    return call()


set_caller(call_tool)


def _is_generator(tool: AnyTool) -> bool:
    return inspect.isgeneratorfunction(tool) or inspect.isasyncgenfunction(tool)


def _take(steps: _Steps) -> Any:
    """Take the steps of a call on this thread."""
    send: Callable[[], Any] = partial(next, steps)
    while True:
        try:
            step = send()
        except StopIteration as end:
            return end.value
        try:
            if isinstance(step, _OfFunction):
                value = step.call()
            else:
                value = _wait(loop.submit(step.coroutine))
        except BaseException as error:
            send = partial(steps.throw, error)
        else:
            send = partial(steps.send, value)


def _wait(future: "Future[Any]") -> Any:
    try:
        kernel.wait(future)
    except BaseException:  # an interrupted wait withdraws its question
        future.cancel()
        raise
    return future.result()


async def _take_async(steps: _Steps) -> Any:
    """Take the steps of a call in this task."""
    send: Callable[[], Any] = partial(next, steps)
    while True:
        try:
            step = send()
        except StopIteration as end:
            return end.value
        try:
            if isinstance(step, _OfFunction):
                value = await step.call()
            else:
                value = await asyncio.wrap_future(loop.submit(step.coroutine))
        except BaseException as error:
            send = partial(steps.throw, error)
        else:
            send = partial(steps.send, value)


@contextmanager
def _inside(around: RunContext) -> Iterator[None]:
    """Make a run the one around the code of a `with` block, also where its context did not come
    along.
    """
    tokens = CURRENT_RUN.set(around), MASK.set(around.run.masker)
    try:
        yield
    finally:
        CURRENT_RUN.reset(tokens[0])
        MASK.reset(tokens[1])


class OutsideCall:
    """One call of a tool inside a run that is shown, as steps to take on the caller's thread or
    loop.

    Args:
        tool: that is called.
        args: positional arguments of the call.
        kwargs: arguments by name.
        around: the run.
    """

    def __init__(
        self, tool: AnyTool, args: tuple[Any, ...], kwargs: dict[str, Any], around: RunContext
    ) -> None:
        self._tool = tool
        self._around = around
        self._arguments = CallArguments(tool, args, kwargs)
        self._questions = Questions(self._emit)
        self._breakpoint_prompts = BreakpointPrompts(self._questions)
        self._limit = RESULT_CHARS if tool.result_chars is None else tool.result_chars
        self._faults = around.run.faults if CURRENT_RUN.get() is None else FAULTS.get()
        self._step = False
        self._start: e.ToolStart
        self._way: e.Live

    def steps(self) -> _Steps:
        """Yield the steps of the call, and return what the function returned, or what the reader
        gave in its place.
        """
        with _inside(self._around):
            self._begin()
            try:
                return (yield from self._asked_and_performed())
            except BaseException as error:
                # unless it has ended
                self._end(e.ToolResult(id=self._start.id, status="error", error=error_of(error)))
                raise

    def _asked_and_performed(self) -> _Steps:
        response = yield from self._ask_before()
        if response is not None:
            match response.decision:
                case "approve" | "step":
                    self._step = response.decision == "step"
                    self._change(response.value)
                case "result" | "error":
                    return (yield from self._give(response))
                case _:
                    self._end(e.ToolResult(id=self._start.id, status="denied"))
                    # no exception, which would end the run of most frameworks
                    return denial(response.reason)
        while True:
            result, value, error = yield from self._attempt()
            reason = self._stop_after(result, value)
            if reason is None:
                break
            self._report(msgspec.structs.replace(result, preliminary=True))
            response = yield _OnOurLoop(
                self._breakpoint_prompts.after_call(
                    self._start, self._tool, self._arguments.shown, result, reason
                )
            )
            if response.decision in ("result", "error"):
                return (yield from self._give(response))
            if response.decision != "again":
                break
            self._step = True
            self._change(response.value)
        self._end(result)
        if error is not None:
            raise error
        return value

    # --- what is shown ---

    def _begin(self) -> None:
        """Show the call, as the one that the stream has announced or as one of its own."""
        lane = self._around.lane
        id, announced_args = self._around.run.begin_call(
            self._tool.name, self._arguments.fits, lane
        )
        self._way = repeatable(self._tool, filled_in=self._arguments.filled_in)
        self._way.value.arguments = self._arguments.shown
        self._start = e.ToolStart(id=id, name=self._tool.name, parent_id=lane, tool=self._way)
        if announced_args is None:
            self._report(self._start, self._arguments.event(id))
            return
        if announced_args is not msgspec.UNSET:
            self._report(self._arguments.event(id))
        # it runs only now, not when its arguments were complete
        self._report(e.ToolProgress(id=id, tool=self._way))

    def _report(self, *events: e.Event) -> None:
        self._around.run.report(events)

    async def _emit(self, event: e.Event) -> None:
        self._report(event)

    def _end(self, result: e.ToolResult) -> None:
        self._around.run.end_call(result)

    # --- breakpoints ---

    @property
    def _breakpoints(self) -> Breakpoints:
        return self._around.breakpoints or _NO_STOPS

    def _ask_before(self) -> Generator[_OnOurLoop, Any, e.ApprovalResponse | None]:
        """Ask the reader before the call, at a breakpoint or for permission; None if neither is
        due.
        """
        tool, shown = self._tool, self._arguments.shown
        reason = self._breakpoints.at_call(tool.name, shown)
        if reason is not None:
            stopped = self._breakpoint_prompts.before_call(
                self._start, tool, shown, reason, can_remember=False
            )
            response: e.ApprovalResponse | None = yield _OnOurLoop(stopped)
            return response
        if tool.approve is False or not (tool.approve is True or tool.approve(shown)):
            return None
        id = self._start.id
        question = e.ApprovalRequest(approval_id=id, tool_id=id, args=shown, schema=tool.schema)
        return (yield _OnOurLoop(self._questions.ask(question, tool.check)))  # type: ignore[no-any-return]

    def _stop_after(self, result: e.ToolResult, value: Any) -> str | None:
        """Return the reason to stop at the result of the call; None if it goes on."""
        if self._step:
            return "step"
        if result.status == "error":
            if self._breakpoints.at_error():
                return "error"
            return None
        return self._breakpoints.at_result(self._tool.name, self._arguments.shown, value)

    def _change(self, changed: dict[str, Any] | None) -> None:
        if changed is not None and changed != self._arguments.shown:
            self._arguments.change(changed)
            self._way.value.arguments = self._arguments.shown
            self._report(self._arguments.event(self._start.id))

    def _give(self, response: e.ApprovalResponse) -> _Steps:
        """Return the result that the reader gave the call, or raise the error."""
        id = self._start.id
        if response.decision == "error":
            error = ToolError(response.reason or "The call failed.")
            self._end(failed(id, error)[0])
            raise error
        made = yield _OnOurLoop(in_thread(partial(result_of, id, response.value, self._limit)))
        self._end(made[0])
        return response.value

    # --- the function ---

    def _attempt(self) -> Generator[Any, Any, tuple[e.ToolResult, Any, BaseException | None]]:
        """Call the function once.

        Return the event of its result, and what it returned or raised.
        """
        id, tool = self._start.id, self._tool
        output: CallOutput = yield _OnOurLoop(self._new_output())
        results = CallResults(id, output, self._limit)
        context = CallContext(
            id=id,
            name=tool.name,
            path=(),
            allowed=set(),
            questions=self._questions,
            emit=self._emit,
            spending=Spending(tool.name, AgentOptions()),
            output=output,
            results=results,
        )
        raised: BaseException | None = None
        value: Any = None
        drawn = PyplotFigures()
        token = CURRENT_CALL.set(context)
        try:
            yield _OnOurLoop(injected.before_call(tool, id, self._emit, self._faults))
            with routed_console(), drawn:
                value = yield _OfFunction(self._arguments.bound_to(tool.function))
        except BaseException as error:
            raised = error
        finally:
            CURRENT_CALL.reset(token)
        if isinstance(raised, (asyncio.CancelledError, GeneratorExit)):
            raise raised  # nobody waits for more
        yield _OnOurLoop(output.__aexit__(None if raised is None else type(raised), raised, None))
        if raised is not None:
            return (yield _OnOurLoop(in_thread(partial(failed, id, raised))))[0], None, raised
        if results.is_plain(value) and not drawn.figures:
            return results.final(value, [])[0], value, None
        return (
            (yield _OnOurLoop(in_thread(partial(results.final, value, drawn.figures))))[0],
            value,
            None,
        )

    async def _new_output(self) -> CallOutput:
        return CallOutput(self._start.id, self._emit)
