"""Loop of one agent run: model responses and tool calls alternate until the model answers without a
call.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.agent.calls.breakpoint_prompts import BreakpointPrompts
from nbagent.agent.calls.calls import Calls
from nbagent.agent.calls.questions import Questions
from nbagent.agent.calls.repeat import repeatable
from nbagent.agent.model import input_items
from nbagent.agent.model.content_parts import shown_files
from nbagent.agent.model.response import Call, Response
from nbagent.agent.model.structured import JsonTexts
from nbagent.agent.run.emitter import Emitter
from nbagent.agent.run.handoff import not_transferred, transferred
from nbagent.agent.run.history import Conversation, History, HistoryWriter, NoHistory
from nbagent.agent.run.limits import CHARS_PER_TOKEN, LimitReached, Spending
from nbagent.agent.run.model_request import IdleTimeout, ModelRequest
from nbagent.agent.run.output_reader import InvalidOutput, OutputReader
from nbagent.agent.run.params import RunParams
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.agent.run.toolset_tools import ToolsetTools
from nbagent.errors import Cancelled, NbagentError
from nbagent.events.ids import with_id_prefix
from nbagent.sources.closing import closing

INVALID_OUTPUT = "invalid_output"
"""Code of a run whose answer does not have the form that was asked for."""


class AgentLoop:
    """The loop of one run. `run` never raises: it always emits `run.end` as its last event.

    Args:
        params: the parameters.
        items: the history, the prompt last.
        history: gives the history before the items, and keeps what is added to it; None for a run
            that stands alone.
        outer: spending of the run whose tool this run is; None for a run of its own.

    Attributes:
        params: the parameters; those of another agent after a hand-off.
        conversation: what another run needs to go on from this one.
        failure: the exception that ended the run, or None.
        questions: those to the run's reader.
        spending: tokens of the run so far.
    """

    def __init__(
        self,
        params: RunParams,
        items: Iterable[input_items.Item],
        history: History | None = None,
        *,
        outer: Spending | None = None,
    ) -> None:
        self.failure: BaseException | None = None
        self.params = params
        self.spending = Spending(params.name, params, outer)
        self.conversation = Conversation(items)
        self._history: History = history or NoHistory()
        self._own_tools = dict(params.tools)
        self._decoder: BaseDecoder = params.connection.api.decoder()
        self._response = Response()
        self._output_reader = OutputReader(params.output)
        self._texts = JsonTexts()
        self._steps_of: Counter[str] = Counter()  # responses of each agent
        self._agents = 1
        self._id_prefix = ""  # of ids, where several decoders count from 1
        self._tells_usage = True
        self._emitter = Emitter(params.name)
        self._emit = self._emitter.emit
        self._toolset_tools = ToolsetTools(self._emit)
        self.questions = Questions(self._emit)
        self._keep = HistoryWriter(self.conversation, self._history).keep
        self._breakpoint_prompts = BreakpointPrompts(self.questions)
        self._calls = self._new_calls()

    async def deliver(self, put: Callable[[e.Event], Awaitable[None]]) -> None:
        """Run to the end as `run` does, with the texts in the pieces and at the pace of the
        params.
        """
        delivery = self.params.delivery
        if delivery is None:
            await self.run(put)
        else:
            await delivery.deliver(self.run, put)

    async def run(self, put: Callable[[e.Event], Awaitable[None]]) -> None:
        """Run to the end.

        Args:
            put: called with each event; may wait until there is space for it.
        """
        self._emitter.put = put
        params = self.params
        total = asyncio.timeout(params.timeout)
        try:
            await self._emit(e.RunStart(name=params.name, model=params.connection.model))
            await self._begin()
            for notice in params.notices:
                await self._emit(e.Status(message=notice))
            if isinstance(self._history, ReplayedHistory):
                await self._repeat(self._history)
            async with total:
                end = await self._steps()
        except asyncio.CancelledError:
            end = await self._close_open_blocks(
                e.RunEnd(status="cancelled", meta={"stopped_by": "you"})
            )
        except Exception as error:
            self.failure = error
            if isinstance(error, TimeoutError) and total.expired():
                end = await self._timed_out(
                    f"{params.name} took longer than its limit of {params.timeout:g} s in all "
                    "(timeout)"
                )
            else:
                end = await self._failed(error)
        end = await self._end(replace(end, usage=self.spending.usage or end.usage))
        end = replace(end, output=self._response.output or None)
        answer = self._output_reader.answer
        if answer is not None:
            end = replace(end, output=answer.content, value=e.Live(answer.value))
        await self._emit(end)
        self._emitter.close()

    # --- the history ---

    async def _begin(self) -> None:
        """Show the prompt, and put what was said before it into the history."""
        newest = self.conversation.items[-1]
        if isinstance(newest, input_items.Message) and newest.role == "user":
            await self._emit(
                e.Prompt(text=input_items.text_of(newest), files=shown_files(newest.content))
            )
        await self._history.begin(self.conversation, self._emit)

    async def _repeat(self, past: ReplayedHistory) -> None:
        """Show a part of another run at once, and go on from there."""
        for event in past.events:
            await self._emitter.put(event)
        self._emitter.step = self._steps_of[self.params.name] = past.steps
        for name in past.handoffs:
            if name not in self.params.handoffs:
                raise NbagentError(
                    f"{self.params.name} has no hand-off {name!r} any more, which the run made "
                    "before this point"
                )
            self._hand_over(self.params.handoffs[name].params())
        self._id_prefix = past.prefix

    async def _end(self, end: e.RunEnd) -> e.RunEnd:
        """Keep the text of a response that did not end, and end the history.

        Returns the run's end.
        """
        try:
            try:
                if not self._response.is_kept and self._response.output:
                    await self._keep(
                        input_items.Message(role="assistant", content=self._response.output)
                    )
            finally:
                end = replace(end, usage=await self._history.end(end.usage))
        except Exception as error:
            if str(error) != str(self.failure):  # not what ended the run
                await self._emit(self.params.connection.explain(error))
            self.failure = self.failure or error
            end = replace(end, status="failed")
        return end

    # --- steps ---

    async def _steps(self) -> e.RunEnd:
        if isinstance(self._history, ReplayedHistory) and self._history.calls:
            await self._toolset_tools.update(self.params, self._own_tools)
            self._calls.begun.update(self._history.begun)
            await self._run_calls(self._history.calls)
        while self._steps_of[self.params.name] < self.params.max_steps:
            self._steps_of[self.params.name] += 1
            self.spending.check()  # a sub-agent may have spent it
            await self._toolset_tools.update(self.params, self._own_tools)
            await self._respond()
            args = self._response.args
            calls = [
                (start, args[key]) for key, start in self._response.calls.items() if key in args
            ]
            if self._decoder.stop_info.status != "completed":
                return await self._close()
            await self._keep(*self._response.history())
            self._response.is_kept = True
            if calls:
                self.spending.check()
                if await self._run_calls(calls):
                    return replace(await self._close(), status="paused", code=e.CLIENT_CALLS)
                continue
            problem = self._output_reader.read(self._response.output)
            if problem is None:
                return await self._close()
            notice, message = self._output_reader.correct(self.params.name, problem)
            await self._emit(e.Status(message=notice, level="warning"))
            await self._keep(message)
        return replace(await self._close(), status="max_steps", code="max_steps")

    async def _respond(self) -> None:
        """Request one response of the model, and read it to its end."""
        params = self.params
        self._emitter.step += 1
        self._response = Response()
        request = ModelRequest(
            params=params, conversation=self.conversation, step=self._emitter.step
        )
        await self._breakpoint_prompts.before_request(
            request.step, params.connection.model, len(request.tools)
        )
        async with params.request_limiter:
            stream = await request.send(self._emit)
            async with closing(stream):
                await self._read(stream, request)
        for event in self._decoder.end_step():
            await self._forward(event)
        if not self._response.has_usage and self.spending.is_limited:
            await self._estimate(request)

    async def _read(self, stream: Any, request: ModelRequest) -> None:
        """Read the stream of a response to its end."""
        while True:
            try:
                async with request.patience():
                    item = await anext(stream)
            except StopAsyncIteration:
                return
            for event in self._decoder.feed(item):
                await self._forward(event)
            output = self.params.connection.api.history_item(item)
            if output is not None:
                self._response.items.append(output)

    async def _estimate(self, request: ModelRequest) -> None:
        """Count the tokens of a response whose server does not report them."""
        if self._tells_usage:
            self._tells_usage = False
            message = (
                f"The server does not tell its tokens: {CHARS_PER_TOKEN} characters are counted "
                "as one"
            )
            await self._emit(e.Status(message=message, level="warning"))
        self.spending.add(request.estimate(self._response.written), self.params.prices)

    async def _run_calls(self, calls: Sequence[Call]) -> bool:
        """Run the calls of a response, but for those that its client can make.

        The first hand-off among them takes place after all of them. Return True if the client has
        calls to make.
        """
        own = [call for call in calls if not self.params.is_for_client(call[0].name)]
        if own:
            await self._run_own_calls(own)
        return len(own) < len(calls)

    async def _run_own_calls(self, calls: Sequence[Call]) -> None:
        handoffs = [start for start, _ in calls if start.name in self.params.handoffs]
        others = [call for call in calls if call[0].name not in self.params.handoffs]
        if others:
            await self._calls.run(others)
        if not handoffs:
            self._calls.repeats.end_response()
            return
        to = self.params.handoffs[handoffs[0].name]
        for start in handoffs:
            text = transferred(to.name) if start is handoffs[0] else not_transferred(to.name)
            await self._keep(
                input_items.FunctionCallOutput(call_id=start.call_id or start.id, text=text)
            )
            await self._emit(e.ToolResult(id=start.id, content=text))
        await self._emit(e.AgentHandoff(from_=self.params.name, to=to.name, tool_id=handoffs[0].id))
        self._hand_over(to.params())

    def _hand_over(self, params: RunParams) -> None:
        """Go on with the parameters of another agent."""
        self.params = self.params.handed_over_to(params)
        self._agents += 1
        self._id_prefix = f"{self._id_prefix}/agent-{self._agents}".lstrip("/")
        self._own_tools = dict(params.tools)
        self._decoder = params.connection.api.decoder()
        self._emitter.agent = params.name
        self._calls = self._new_calls()

    def _new_calls(self) -> Calls:
        """Return what runs the calls of the agent at work."""
        return Calls(
            self.params,
            self.questions,
            self._emit,
            self._keep,
            self.spending,
            self._breakpoint_prompts,
            self.conversation.inside,
        )

    # --- ends ---

    async def _close(self) -> e.RunEnd:
        """Close the decoder, and return its `run.end`."""
        end = e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED)
        for event in self._decoder.close():
            if isinstance(event, e.RunEnd):
                end = event
            else:
                await self._forward(event)
        return end

    async def _close_open_blocks(self, end: e.RunEnd) -> e.RunEnd:
        """Close the blocks that the decoder has open, and return `end` with the usage so far."""
        for event in self._decoder.close(Cancelled()):
            if isinstance(event, e.RunEnd):
                end = replace(end, usage=event.usage)
            else:
                await self._forward(event)
        return end

    async def _timed_out(self, message: str, code: str = "timeout") -> e.RunEnd:
        """Close and report a run that took too long."""
        end = await self._close_open_blocks(e.RunEnd(status="failed", code=code))
        await self._emit(e.Error(message=message, code=code, error_type="TimeoutError", fatal=True))
        return end

    async def _failed(self, error: BaseException) -> e.RunEnd:
        """Close and report a run that was ended by an exception."""
        if isinstance(error, IdleTimeout):
            return await self._timed_out(str(error), "idle_timeout")
        if isinstance(error, LimitReached):
            await self._emit(e.Status(message=str(error), level="warning"))
            return await self._close_open_blocks(e.RunEnd(status="incomplete", code=error.code))
        event = self.params.connection.explain(error)
        if isinstance(error, InvalidOutput):
            event = replace(event, code=INVALID_OUTPUT)
        end = await self._close_open_blocks(e.RunEnd(status="failed", code=event.code))
        await self._emit(event)
        return end

    async def _forward(self, event: e.Event) -> None:
        """Emit an event of the decoder, except for a start and end of the run: these are emitted
        once for all its responses.
        """
        if isinstance(event, (e.RunStart, e.RunEnd)):
            return
        if self._id_prefix:
            event = with_id_prefix(event, self._id_prefix)
        event = self._completed(event)
        self._response.update(event)
        if isinstance(event, e.ToolStart) and event.kind == "function":
            event = replace(event, kind=self._kind_of(event.name))
        if self.params.form is None:
            await self._emit(event)
            return
        for shown in self._texts.feed(event):
            await self._emit(shown)

    def _completed(self, event: e.Event) -> e.Event:
        """Return an event of the decoder with what only the loop knows: costs, tools."""
        if isinstance(event, e.StepEnd) and event.usage is not None:
            self._response.has_usage = True
            return replace(event, usage=self.spending.add(event.usage, self.params.prices))
        if isinstance(event, e.ToolStart) and event.name in self.params.tools:
            tool = self.params.tools[event.name]
            return replace(event, tool=repeatable(tool, self.params))
        if isinstance(event, e.ToolArgs) and self._is_empty_call_of_client(event):
            return replace(event, args={}, args_text="{}")
        return event

    def _kind_of(self, tool: str) -> e.ToolKind:
        """Return the kind of a call by the name of its tool."""
        if tool in self.params.handoffs:
            return "handoff"
        return "client" if self.params.is_for_client(tool) else "function"

    def _is_empty_call_of_client(self, args: e.ToolArgs) -> bool:
        """Return True for no arguments, which some servers send as an empty text: clients parse
        it.
        """
        start = self._response.calls.get(args.id)
        is_clients = start is not None and self.params.is_for_client(start.name)
        return is_clients and not args.args_text.strip()
