"""The tool calls of one agent run: each is permitted where its tool asks for that, run, and reported."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from nbagent import events as e
from nbagent.agent import history
from nbagent.agent.call_context import CURRENT_CALL, CallContext
from nbagent.agent.console_router import routed_console
from nbagent.agent.limits import Repeats, Spending
from nbagent.agent.output import CallOutput
from nbagent.agent.plan import Plan
from nbagent.agent.pyplot_figures import PyplotFigures
from nbagent.agent.questions import Questions
from nbagent.agent.recorded import taken_from_record
from nbagent.agent.results import Results
from nbagent.agent.tools import AnyTool, in_thread, parse_arguments
from nbagent.errors import ToolError
from nbagent.mime import error_of

CLEANUP_TIMEOUT_S = 0.3
"""Seconds that cancelled async tools get for their clean-up; then the run ends without them."""

MAX_PARALLEL_CALLS = 16
"""Tool calls of one run that may run at the same time; further calls wait."""

Call: TypeAlias = tuple[e.ToolStart, e.ToolArgs]
"""A call as the model wrote it."""


class Denied(Exception):
    """The reader did not permit the call. Its message is for the model."""


class Calls:
    """Runs the calls of a run.

    Args:
        plan: the parameters of the run.
        questions: asks the run's reader.
        emit: emits an event of the run.
        keep: keeps an output for the model, before the reader sees the result.
        spending: counts the tokens of the run.
    """

    def __init__(
        self,
        plan: Plan,
        questions: Questions,
        emit: Callable[[e.Event], Awaitable[None]],
        keep: Callable[[history.FunctionCallOutput], Awaitable[None]],
        spending: Spending,
    ) -> None:
        self._plan = plan
        self._spending = spending
        self.repeats = Repeats(plan.name, plan.limits.max_repeats)
        self._questions = questions
        self._emit = emit
        self._keep = keep
        self._slots = asyncio.Semaphore(MAX_PARALLEL_CALLS)

    async def run(self, calls: Sequence[Call]) -> list[history.FunctionCallOutput]:
        """Run the calls of one response, emit their results, and return them for the model, in the calls' order."""
        groups = [calls] if self._plan.parallel else [[call] for call in calls]
        return [output for group in groups for output in await self._run_together(group)]

    async def _run_together(self, calls: Sequence[Call]) -> list[history.FunctionCallOutput]:
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

    async def _run(self, start: e.ToolStart, args: e.ToolArgs) -> history.FunctionCallOutput:
        """Run a call, emit its result, and return it for the model. Raises nothing but `CancelledError`."""
        task = asyncio.current_task()
        assert task is not None
        note: str | None = None
        try:
            tool, arguments, note = await self._permitted(start, args)
            async with self._slots:
                if note is not None or not self._plan.parallel:
                    await self._emit(e.ToolProgress(id=start.id))  # it starts only now, not when its arguments were complete
                result, text = await self._result(start, tool, arguments)
        except Denied as denial:
            result, text = e.ToolResult(id=start.id, status="denied"), str(denial)
        except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
            # Everything that a tool raises is a result of the call, even exit() and a CancelledError of its own.
            info = error_of(error)
            result = e.ToolResult(id=start.id, status="error", error=info)
            text = f"Error: {info.type}: {info.message}"
        if task.cancelling():
            raise asyncio.CancelledError  # the run is over, even if the tool suppressed the cancellation
        text = f"{note or ''}{text}{self.repeats.add(start.name, args.args_text, text)}"
        output = history.FunctionCallOutput(call_id=start.call_id or start.id, text=text)
        await self._keep(output)
        await self._emit(result)
        return output

    async def _permitted(self, start: e.ToolStart, args: e.ToolArgs) -> tuple[AnyTool, dict[str, Any], str | None]:
        """Return the tool and its arguments, once they are permitted.

        Returns:
            Also a note for the model on what the reader changed, "" for nothing; None if the reader was not asked.

        Raises:
            Denied: the reader did not permit it.
            ToolError: there is no such tool, or the arguments do not fit.
        """
        tool = self._plan.tools.get(start.name)
        if tool is None:
            names = ", ".join(self._plan.tools) or "none"
            raise ToolError(f"there is no tool {start.name!r}; the tools are: {names}")
        arguments = parse_arguments(args.args_text)
        is_recorded = tool.once and self._plan.record is not None and self._plan.record.has(tool.name)
        if is_recorded or tool.name in self._plan.allowed or not tool.needs_approval(arguments):
            return tool, arguments, None
        question = e.ApprovalRequest(
            approval_id=start.id, tool_id=start.id, args=arguments, schema=tool.schema, can_remember=True
        )
        response = await self._questions.ask(question, tool.check)
        if response.decision != "approve":
            raise Denied(f"The user denied this call: {response.reason}" if response.reason else "The user denied this call.")
        if response.remember:
            self._plan.allowed.add(tool.name)
        if response.value is None or response.value == arguments:
            return tool, arguments, ""
        changed = msgspec.json.encode(response.value).decode()
        await self._emit(e.ToolArgs(id=start.id, args=response.value, args_text=changed))
        return tool, response.value, f"(The user changed the arguments to {changed}.)\n"

    async def _result(self, start: e.ToolStart, tool: AnyTool, arguments: dict[str, Any]) -> tuple[e.ToolResult, str]:
        if tool.once and self._plan.record is not None and (made := self._plan.record.take(start, arguments)) is not None:
            result, text, told = taken_from_record(made, start, arguments)
            await self._emit(e.Status(message=told))
            return result, text
        limit = self._plan.result_chars if tool.result_chars is None else tool.result_chars
        async with CallOutput(start.id, self._emit) as output:
            results = Results(start.id, output, limit)
            context = CallContext(
                id=start.id,
                name=tool.name,
                plan=self._plan,
                questions=self._questions,
                emit=self._emit,
                spending=self._spending,
                output=output,
                results=results,
            )
            CURRENT_CALL.set(context)  # of this call's own task
            with routed_console():
                with PyplotFigures() as drawn:
                    value = await tool.run(arguments, results.show)
                if results.is_plain(value) and not drawn.figures:
                    return results.final(value, [])
                # Drawing a big table or a figure takes long.
                final: tuple[e.ToolResult, str] = await in_thread(partial(results.final, value, drawn.figures))
                return final
