"""The tool calls of one agent run: each is permitted where its tool asks for that, run, and
reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.calls.breakpoint_prompts import BreakpointPrompts, breakpoints_here
from nbagent.agent.calls.console_router import routed_console
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.calls.nested import answer_of
from nbagent.agent.calls.once_ledger import ONCE_LEDGER
from nbagent.agent.calls.outcome import Outcome, denial, failed
from nbagent.agent.calls.output import CallOutput
from nbagent.agent.calls.pyplot_figures import PyplotFigures
from nbagent.agent.calls.questions import Questions
from nbagent.agent.calls.results import CallResults, result_of
from nbagent.agent.model import injected, input_items, valid_history
from nbagent.agent.model.recorded_run import Record, taken_from_record
from nbagent.agent.model.response import Call
from nbagent.agent.run.history import Conversation
from nbagent.agent.run.limits import Repeats, Spending
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.tool import AnyTool, in_thread, parse_arguments
from nbagent.errors import ToolError
from nbagent.run import Run
from nbagent.runtime.loop import OwnedStream

CLEANUP_TIMEOUT_S = 0.3
"""Seconds that cancelled async tools get for their clean-up; then the run ends without them."""

MAX_PARALLEL_CALLS = 16
"""Tool calls of one run that may run at the same time; further calls wait."""


class Denied(Exception):
    """The reader did not permit the call. Its message is for the model."""


class Calls:
    """Runs the calls of a run.

    Args:
        params: the parameters of the run.
        questions: asks the run's reader.
        emit: emits an event of the run.
        keep: keeps an output for the model, before the reader sees the result.
        spending: counts the tokens of the run.
        breakpoint_prompts: asks the reader at breakpoints.
        conversations: get those of agents inside calls; None if nobody needs them.

    Attributes:
        begun: calls that had begun in a run that this one repeats; see `ReplayedHistory`.
    """

    def __init__(
        self,
        params: RunParams,
        questions: Questions,
        emit: Callable[[e.Event], Awaitable[None]],
        keep: Callable[[input_items.FunctionCallOutput], Awaitable[None]],
        spending: Spending,
        breakpoint_prompts: BreakpointPrompts,
        conversations: dict[str, Conversation] | None = None,
    ) -> None:
        self._params = params
        self._spending = spending
        self.repeats = Repeats(params.name, params.max_repeats)
        self._questions = questions
        self._emit = emit
        self._keep = keep
        self._slots = asyncio.Semaphore(MAX_PARALLEL_CALLS)
        self._breakpoint_prompts = breakpoint_prompts
        self._conversations: dict[str, Conversation] = {}
        if conversations is not None:
            self._conversations = conversations
        self.begun: dict[str, dict[str, Any] | None] = {}

    async def run(self, calls: Sequence[Call]) -> list[input_items.FunctionCallOutput]:
        """Run the calls of one response, emit their results, and return them for the model, in the
        calls' order.
        """
        groups = [calls] if self._params.parallel else [[call] for call in calls]
        return [output for group in groups for output in await self._run_together(group)]

    async def _run_together(self, calls: Sequence[Call]) -> list[input_items.FunctionCallOutput]:
        # Each call is a task: a tool that suppresses its cancellation must not suppress the run's.
        tasks = [asyncio.create_task(self._run(*call), name="nbagent-tool") for call in calls]
        try:
            await asyncio.wait(tasks)
            return [task.result() for task in tasks]
        finally:
            running = [task for task in tasks if not task.done()]
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=CLEANUP_TIMEOUT_S)

    async def _run(self, start: e.ToolStart, args: e.ToolArgs) -> input_items.FunctionCallOutput:
        """Run a call, emit its result, and return it for the model.

        Raises nothing but `CancelledError`.
        """
        note = ""
        try:
            permitted = await self._permitted(start, args)
            note = permitted.note or ""
            result, text = permitted.given or await self._perform(permitted)
        except Denied as denial:
            result, text = e.ToolResult(id=start.id, status="denied"), str(denial)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # of a function given as `approve`, too
            result, text = failed(start.id, error)
        text = f"{note}{text}{self.repeats.add(start.name, args.args_text, text)}"
        output = input_items.FunctionCallOutput(call_id=start.call_id or start.id, text=text)
        await self._keep(output)
        await self._emit(result)
        return output

    async def attempt(
        self, start: e.ToolStart, tool: AnyTool, arguments: dict[str, Any]
    ) -> e.ToolResult:
        """Run a call that the model did not make, without a question, and return its result."""
        result, _ = await self._attempt(_Permitted(start, tool, arguments))
        return result

    async def _permitted(self, start: e.ToolStart, args: e.ToolArgs) -> "_Permitted":
        """Return a call once it is permitted.

        Raises:
            Denied: the reader did not permit it.
            ToolError: there is no such tool, or the arguments do not fit.
        """
        tool = self._params.tools.get(start.name)
        if tool is None:
            names = ", ".join(self._params.tools) or "none"
            raise ToolError(f"there is no tool {start.name!r}; the tools are: {names}")
        arguments = parse_arguments(args.args_text)
        _note_arguments(start, arguments)
        call = _Permitted(start, tool, arguments)
        if start.id in self.begun:
            changed = self.begun.pop(start.id)
            note = await self._change_arguments(call, changed)
            return replace(call, arguments=changed or arguments, note=note)
        response = await self._ask(call)
        if response is None:
            return call
        match response.decision:
            case "approve" | "step":
                if response.remember:
                    self._params.allowed.add(tool.name)
                note = await self._change_arguments(call, response.value)
                await self._keep_for_now(start, valid_history.NO_RESULT)
                return replace(
                    call,
                    arguments=response.value or arguments,
                    note=note,
                    steps=response.decision == "step",
                )
            case "result" | "error":
                return replace(call, given=await self._given(call, response))
            case _:
                raise Denied(denial(response.reason))

    async def _ask(self, call: "_Permitted") -> e.ApprovalResponse | None:
        """Ask the reader about a call, and return the answer; None if nothing is to be asked."""
        start, tool, arguments = call.start, call.tool, call.arguments
        breakpoints = breakpoints_here()
        reason = None if breakpoints is None else breakpoints.at_call(tool.name, arguments)
        asks = await self._needs_approval(tool, arguments)
        if reason is None and not asks:
            return None
        await self._keep_for_now(start, valid_history.NOT_ALLOWED)
        if reason is not None:
            return await self._breakpoint_prompts.before_call(
                start, tool, arguments, reason, can_remember=asks
            )
        question = e.ApprovalRequest(
            approval_id=start.id,
            tool_id=start.id,
            args=arguments,
            schema=tool.schema,
            can_remember=True,
        )
        return await self._questions.ask(question, tool.check)

    async def _needs_approval(self, tool: AnyTool, arguments: dict[str, Any]) -> bool:
        record = await self._record_for(tool)
        if record is not None and record.has(tool.name):
            return False
        if tool.name in self._params.allow or tool.name in self._params.allowed:
            return False
        return tool.needs_approval(arguments)

    async def _change_arguments(self, call: "_Permitted", changed: dict[str, Any] | None) -> str:
        """Show changed arguments.

        Return a note for the model on what the reader changed, "" for nothing.
        """
        if changed is None or changed == call.arguments:
            return ""
        _note_arguments(call.start, changed)
        text = msgspec.json.encode(changed).decode()
        await self._emit(e.ToolArgs(id=call.start.id, args=changed, args_text=text))
        return f"(The user changed the arguments to {text}.)\n"

    async def _given(self, call: "_Permitted", response: e.ApprovalResponse) -> Outcome:
        """Return the result or the error that the reader gave a call."""
        if response.decision == "error":
            return failed(call.start.id, ToolError(response.reason or "The call failed."))
        made: Outcome = await in_thread(
            partial(result_of, call.start.id, response.value, self._limit(call.tool))
        )
        return made

    async def _perform(self, call: "_Permitted") -> Outcome:
        """Run a call, again as often as the reader wants at a breakpoint, and return its result."""
        while True:
            result, text = await self._attempt(call)
            reason = self._stop_after(call, result)
            if reason is None:
                return result, text
            await self._emit(msgspec.structs.replace(result, preliminary=True))
            response = await self._breakpoint_prompts.after_call(
                call.start, call.tool, call.arguments, result, reason
            )
            if response.decision in ("result", "error"):
                return await self._given(call, response)
            if response.decision != "again":
                return result, text
            await self._change_arguments(call, response.value)
            call = replace(call, arguments=response.value or call.arguments, note="", steps=True)

    def _stop_after(self, call: "_Permitted", result: e.ToolResult) -> str | None:
        """Return the reason to stop at the result of a call; None if it goes on."""
        if call.steps:
            return "step"
        breakpoints = breakpoints_here()
        if breakpoints is None:
            return None
        if result.status == "error":
            if breakpoints.at_error():
                return "error"
            return None
        value = None if result.value is None else result.value.value
        return breakpoints.at_result(call.tool.name, call.arguments, value)

    async def _attempt(self, call: "_Permitted") -> Outcome:
        """Run a call.

        Everything that its tool raises is a result, even exit() and a `CancelledError` of its own.
        """
        task = asyncio.current_task()
        assert task is not None
        async with self._slots:
            if call.note is not None or not self._params.parallel:
                # it starts only now, not when its arguments were complete
                await self._emit(e.ToolProgress(id=call.start.id))
            try:
                outcome = await self._result(call.start, call.tool, call.arguments)
            except GeneratorExit:
                raise  # the loop drops this call
            except BaseException as error:
                if task.cancelling():
                    # the run is over, even if the tool suppressed the cancellation
                    raise asyncio.CancelledError from None
                # the texts of its variables take time
                outcome = await in_thread(partial(failed, call.start.id, error))
        if task.cancelling():
            # the run is over, even if the tool suppressed the cancellation
            raise asyncio.CancelledError
        return outcome

    async def _result(
        self, start: e.ToolStart, tool: AnyTool, arguments: dict[str, Any]
    ) -> Outcome:
        record = await self._record_for(tool)
        made = None if record is None else record.take(start, arguments)
        if made is not None:
            result, text, notice = taken_from_record(made, start, arguments)
            await self._emit(e.Status(message=notice))
            return result, text
        ledger = ONCE_LEDGER.get()
        if not tool.once or ledger is None:
            return await self._made(start, tool, arguments)
        number = await ledger.begin(tool.name, arguments)
        try:
            outcome = await self._made(start, tool, arguments)
        except Exception as error:
            outcome = await in_thread(partial(failed, start.id, error))
        await ledger.end(number, outcome[0])
        return outcome

    async def _record_for(self, tool: AnyTool) -> Record | None:
        """Return the calls that stand for those of a tool; None if it may be called again."""
        if not tool.once:
            return None
        if self._params.record is not None:
            return self._params.record
        ledger = ONCE_LEDGER.get()
        return None if ledger is None else await ledger.record()

    async def _made(self, start: e.ToolStart, tool: AnyTool, arguments: dict[str, Any]) -> Outcome:
        """Call a tool's function."""
        async with CallOutput(start.id, self._emit) as output:
            results = CallResults(start.id, output, self._limit(tool))
            record = self._params.record
            context = CallContext(
                id=start.id,
                name=tool.name,
                path=self._params.path,
                allowed=self._params.allowed,
                questions=self._questions,
                emit=self._emit,
                spending=self._spending,
                output=output,
                results=results,
                conversations=self._conversations,
                inside=self._params.inside,
                record=None if record is None else record.inside(tool.name),
            )
            CURRENT_CALL.set(context)  # of this call's own task
            with routed_console():
                with PyplotFigures() as drawn:
                    await injected.before_call(tool, start.id, self._emit)
                    value = await tool.run(arguments, results.show)
                    if isinstance(value, (OwnedStream, Run)):
                        value = await answer_of(value, context, tool.timeout)
                if results.is_plain(value) and not drawn.figures:
                    return results.final(value, [])
                # Drawing a big table or a figure takes long.
                final: Outcome = await in_thread(partial(results.final, value, drawn.figures))
                return final

    def _limit(self, tool: AnyTool) -> int:
        """Return the most characters of a tool's result that the model gets."""
        if tool.result_chars is None:
            return self._params.result_chars
        return tool.result_chars

    async def _keep_for_now(self, start: e.ToolStart, text: str) -> None:
        """Keep an output in case the run ends before the call has another one."""
        await self._keep(
            input_items.FunctionCallOutput(
                call_id=start.call_id or start.id, text=text, preliminary=True
            )
        )


@dataclass(frozen=True, slots=True)
class _Permitted:
    """A call that may run.

    Attributes:
        start: of the call.
        tool: that is called.
        arguments: of the call.
        note: for the model, on what the reader changed, "" for nothing; None if the reader was not
            asked.
        steps: whether the run stops at the result.
        given: the result, if the reader gave it.
    """

    start: e.ToolStart
    tool: AnyTool
    arguments: dict[str, Any]
    note: str | None = None
    steps: bool = False
    given: Outcome | None = None


def _note_arguments(start: e.ToolStart, arguments: dict[str, Any]) -> None:
    """Keep the arguments of a call as they are, for another call with them."""
    if start.tool is not None:
        start.tool.value.arguments = arguments
