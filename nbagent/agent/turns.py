"""Loop of one agent run: model responses and tool calls alternate until the model answers without a call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import msgspec

from nbagent import events as e
from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.agent import history
from nbagent.agent.calls import Calls
from nbagent.agent.emitter import Emitter
from nbagent.agent.journal import Alone, Conversation, Journal, Keeper
from nbagent.agent.plan import Plan
from nbagent.agent.questions import Questions
from nbagent.agent.toolset import merged
from nbagent.errors import Cancelled
from nbagent.runtime.timeouts import IdleClock
from nbagent.sources.closing import closing


class IdleTimeout(Exception):
    """The model was silent for longer than the agent allows."""


@dataclass(kw_only=True, slots=True)
class Reply:
    """The parts of one response of the model so far."""

    calls: dict[str, e.ToolStart] = field(default_factory=dict)
    args: dict[str, e.ToolArgs] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    commentary: set[str] = field(default_factory=set)
    items: list[history.Item] = field(default_factory=list)
    is_kept: bool = False

    def update(self, event: e.Event) -> None:
        """Add an event, if the next request or the run's output needs it."""
        match event:
            case e.TextStart():
                self.texts[event.id] = []
                if event.phase == "commentary":
                    self.commentary.add(event.id)
            case e.TextDelta():
                self.texts[event.id].append(event.delta)
            case e.TextEnd(text=str(text)):
                self.texts[event.id] = [text]
            case e.ToolStart(kind="function"):
                self.calls[event.id] = event
            case e.ToolArgs() if event.id in self.calls:
                self.args[event.id] = event
            case _:
                pass

    @property
    def output(self) -> str:
        """The text of the answer; commentary counts only if there is no other text."""
        texts = {key: "".join(pieces) for key, pieces in self.texts.items()}
        answer = [text for key, text in texts.items() if text and key not in self.commentary]
        return "\n\n".join(answer or filter(None, texts.values()))

    def history(self) -> list[history.Item]:
        """Return the response as history, for the next request."""
        if self.items:
            return self.items
        text = "".join("".join(pieces) for pieces in self.texts.values())
        items: list[history.Item] = [history.Message(role="assistant", content=text)] if text else []
        for key, start in self.calls.items():
            args = self.args.get(key)
            text = args.args_text if args is not None and args.valid else ""
            if args is not None and not args.valid:  # some servers parse the history's arguments, and fail if they are not JSON
                text = msgspec.json.encode({"invalid_json": args.args_text}).decode()
            items.append(history.FunctionCall(call_id=start.call_id or key, name=start.name, arguments=text or "{}"))
        return items


class Turns:
    """The loop of one run. `run` never raises: it always emits `run.end` as its last event.

    Args:
        plan: the parameters.
        items: the history, the prompt last.
        journal: gives the history before the items, and keeps what is added to it; None for a run that stands alone.

    Attributes:
        conversation: what another run needs to go on from this one.
        failure: the exception that ended the run, or None.
        questions: those to the run's reader.
    """

    def __init__(self, plan: Plan, items: Iterable[history.Item], journal: Journal | None = None) -> None:
        self.failure: BaseException | None = None
        self._plan = plan
        self.conversation = Conversation(items)
        self._journal: Journal = journal or Alone()
        self._own_tools = dict(plan.tools)
        self._decoder: BaseDecoder = plan.connection.api.decoder()
        self._reply = Reply()
        self._emitter = Emitter(plan.name)
        self._emit = self._emitter.emit
        self.questions = Questions(self._emit)
        self._keep = Keeper(self.conversation, self._journal).keep
        self._calls = Calls(plan, self.questions, self._emit, self._keep)

    async def deliver(self, put: Callable[[e.Event], Awaitable[None]]) -> None:
        """Run to the end as `run` does, with the texts in the pieces and at the pace of the plan."""
        delivery = self._plan.delivery
        await (self.run(put) if delivery is None else delivery.deliver(self.run, put))

    async def run(self, put: Callable[[e.Event], Awaitable[None]]) -> None:
        """Run to the end.

        Args:
            put: called with each event; may wait until there is space for it.
        """
        self._emitter.put = put
        plan = self._plan
        total = asyncio.timeout(plan.timeout)
        try:
            await self._emit(e.RunStart(name=plan.name, model=plan.connection.model))
            await self._begin()
            async with total:
                end = await self._steps()
        except asyncio.CancelledError:
            end = await self._close_open_blocks(e.RunEnd(status="cancelled"))
        except Exception as error:
            self.failure = error
            if isinstance(error, TimeoutError) and total.expired():
                end = await self._timed_out(f"{plan.name} took longer than its limit of {plan.timeout:g} s in all (timeout)")
            elif isinstance(error, IdleTimeout):
                end = await self._timed_out(str(error), "idle_timeout")
            else:
                end = await self._failed(error)
        end = await self._end(end)
        await self._emit(msgspec.structs.replace(end, output=self._reply.output or None))

    # --- the history --------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Show the prompt, and put what was said before it into the history."""
        newest = self.conversation.items[-1]
        if isinstance(newest, history.Message) and newest.role == "user":
            await self._emit(e.Prompt(text=history.text_of(newest)))
        await self._journal.begin(self.conversation, self._emit)

    async def _end(self, end: e.RunEnd) -> e.RunEnd:
        """Keep the text of a response that did not end, and end the journal. Returns the run's end."""
        spent: e.Usage | None = None
        try:
            try:
                if not self._reply.is_kept and self._reply.output:
                    await self._keep(history.Message(role="assistant", content=self._reply.output))
            finally:
                spent = await self._journal.end()
        except Exception as error:
            self.failure = self.failure or error
            await self._emit(self._plan.connection.explain(error))
            end = msgspec.structs.replace(end, status="failed")
        return end if spent is None else msgspec.structs.replace(end, usage=spent + (end.usage or e.Usage()))

    def _sendable(self) -> list[history.Item]:
        """Return the history as it is sent: every call with its output, unless the server keeps a part of it."""
        items = self.conversation.items
        kept_by_server = self._plan.settings.keys() & {"previous_response_id", "conversation"}
        return items if kept_by_server else history.paired(items)

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _steps(self) -> e.RunEnd:
        for _ in range(self._plan.max_steps):
            await self._update_tools()
            await self._respond()
            args = self._reply.args
            calls = [(start, args[key]) for key, start in self._reply.calls.items() if key in args]
            if self._decoder.stop_info.status != "completed":
                return await self._close()
            await self._keep(*self._reply.history())
            self._reply.is_kept = True
            if not calls:
                return await self._close()
            await self._calls.run(calls)
        return msgspec.structs.replace(await self._close(), status="max_steps", code="max_steps")

    async def _update_tools(self) -> None:
        """Ask the toolsets for their tools, which may have changed."""
        sets = []
        for toolset in self._plan.toolsets:
            if not toolset.is_open:
                await self._emit(e.Status(message=f"Starting {toolset.label}"))
            sets.append((toolset.label, await toolset.tools()))
        if sets:
            self._plan.tools.clear()
            self._plan.tools.update(merged(self._own_tools, sets))

    async def _respond(self) -> None:
        """Request one response of the model, and read it to its end."""
        plan = self._plan
        self._emitter.step += 1
        self._reply = Reply()
        tools = list(plan.tools.values())
        async with self._patience():
            stream = await plan.connection.ask(plan.instructions, self._sendable(), tools, plan.settings)
        async with closing(stream):
            while True:
                try:
                    async with self._patience():
                        item = await anext(stream)
                except StopAsyncIteration:
                    break
                for event in self._decoder.feed(item):
                    await self._forward(event)
                output = plan.connection.api.history_item(item)
                if output is not None:
                    self._reply.items.append(output)
        for event in self._decoder.end_step():
            await self._forward(event)

    def _patience(self) -> AbstractAsyncContextManager[None]:
        model = self._plan.connection.model
        return IdleClock(self._plan.idle_timeout).limit(
            lambda seconds: IdleTimeout(f"{model} was silent for longer than the limit of {seconds:g} s (idle_timeout)")
        )

    # --- ends ---------------------------------------------------------------------------------------------------------

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
                end = msgspec.structs.replace(end, usage=event.usage)
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
        event = self._plan.connection.explain(error)
        end = await self._close_open_blocks(e.RunEnd(status="failed", code=event.code))
        await self._emit(event)
        return end

    async def _forward(self, event: e.Event) -> None:
        """Emit an event of the decoder, except for a start and end of the run: these are emitted once for all its responses."""
        if isinstance(event, e.RunStart | e.RunEnd):
            return
        self._reply.update(event)
        await self._emit(event)
