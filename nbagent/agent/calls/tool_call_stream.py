"""`ToolCallStream`: the events of one call of an agent's tool that no model made."""

import asyncio
from concurrent.futures import Future
from typing import Any

import msgspec
from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.calls.breakpoint_prompts import BreakpointPrompts
from nbagent.agent.calls.calls import Calls
from nbagent.agent.calls.questions import Questions
from nbagent.agent.model import input_items
from nbagent.agent.run.cross_loop_queue import CrossLoopQueue, Put
from nbagent.agent.run.emitter import Emitter
from nbagent.agent.run.limits import Spending
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.tool import AnyTool
from nbagent.runtime.loop import OwnedStream

CALL_ID = "call-1"
"""Id of the call in the events."""


class ToolCallStream(OwnedStream):
    """The events of one call. The tool asks for permission as in a run of its agent.

    The output of `run.end` is the result as text for a model. Closing the stream cancels the call.

    Args:
        params: parameters of the agent's runs.
        tool: that is called.
        arguments: of the call, as JSON.

    Attributes:
        name: the agent's name.
    """

    def __init__(self, params: RunParams, tool: AnyTool, arguments: dict[str, Any]) -> None:
        self.name = params.name
        self._params = params
        self._tool = tool
        self._arguments = arguments
        self._queue: CrossLoopQueue[e.Event] = CrossLoopQueue(self._run)

    def __aiter__(self) -> "ToolCallStream":
        return self

    async def __anext__(self) -> e.Event:
        try:
            while isinstance(taken := self._queue.take(), Future):
                await asyncio.wrap_future(taken)
        except BaseException:
            self._queue.stop()
            raise
        if taken is None:
            raise StopAsyncIteration
        return taken

    async def aclose(self) -> None:
        """Cancel the call, and wait for that."""
        self._queue.stop()
        await self._queue.stopped()

    async def _run(self, put: Put[e.Event]) -> None:
        params, name = self._params, self._tool.name
        params.tools.clear()
        params.tools[name] = self._tool
        emitter = Emitter(params.name)
        emitter.put = put
        questions = Questions(emitter.emit)
        spending = Spending(params.name, params)
        calls = Calls(
            params, questions, emitter.emit, _keep_nothing, spending, BreakpointPrompts(questions)
        )
        start = e.ToolStart(id=CALL_ID, name=name)
        args = e.ToolArgs(
            id=CALL_ID,
            args=self._arguments,
            args_text=msgspec.json.encode(self._arguments).decode(),
        )
        try:
            await emitter.emit(e.RunStart(name=params.name))
            await emitter.emit(start)
            await emitter.emit(args)
            (output,) = await calls.run([(start, args)])
            end = e.RunEnd(status="completed", output=output.text)
        except asyncio.CancelledError:
            end = e.RunEnd(status="cancelled")
        await emitter.emit(replace(end, usage=spending.usage))
        emitter.close()


async def _keep_nothing(output: input_items.FunctionCallOutput) -> None:
    """Keep no history: no model goes on from here."""
