"""One run of an agent: the model answers or calls tools, the tools' outputs go back to it, and so on until it has answered."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.adapters.base.decoder import BaseDecoder
from nbagent.agent import history
from nbagent.agent.model import Connection
from nbagent.agent.tools import Tool, in_thread, parse_arguments
from nbagent.errors import Cancelled, ToolError
from nbagent.mime import display_of, error_of, json_of
from nbagent.runtime.timeouts import IdleClock

CLEANUP = 0.3
"""Seconds that cancelled async tools get to clean up before the run ends without them."""

TOGETHER = 16
"""Tool calls of one run that may run at the same time; more wait for their turn."""

_PLAIN = (str, int, float, bool, type(None))


class IdleTimeout(Exception):
    """The model was silent for longer than the agent allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run works with, all of it fixed beforehand. Times are in seconds; None is no limit."""

    name: str
    instructions: str
    tools: dict[str, Tool]
    connection: Connection
    settings: dict[str, Any]
    max_steps: int
    timeout: float | None
    idle_timeout: float | None
    parallel: bool


@dataclass(kw_only=True, slots=True)
class Reply:
    """What one response of the model has said so far."""

    calls: dict[str, e.ToolStart] = field(default_factory=dict)
    args: dict[str, e.ToolArgs] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    asides: set[str] = field(default_factory=set)
    items: list[history.Item] = field(default_factory=list)

    def hear(self, event: e.Event) -> None:
        """Keeps what the next request and the run's output are made of."""
        match event:
            case e.TextStart():
                self.texts[event.id] = []
                if event.phase == "commentary":
                    self.asides.add(event.id)
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
        """The answer's text; remarks that the model made on its way count only if there is nothing else."""
        texts = {key: "".join(pieces) for key, pieces in self.texts.items()}
        answer = [text for key, text in texts.items() if text and key not in self.asides]
        return "\n\n".join(answer or filter(None, texts.values()))

    def history(self) -> list[history.Item]:
        """What the model said, to be sent back to it."""
        if self.items:
            return self.items
        text = "".join("".join(pieces) for pieces in self.texts.values())
        said: list[history.Item] = [history.Message(role="assistant", content=text)] if text else []
        for key, start in self.calls.items():
            args = self.args.get(key)
            text = args.args_text if args is not None and args.valid else ""
            if args is not None and not args.valid:  # some servers parse the history's arguments, and fail on what is not JSON
                text = msgspec.json.encode({"invalid_json": args.args_text}).decode()
            said.append(history.Call(call_id=start.call_id or key, name=start.name, arguments=text or "{}"))
        return said


class Turns:
    """The loop of one run. `run` emits the events; it never raises, but ends with `run.end` whatever happens.

    Args:
        plan: what to work with.
        items: what was said before, the prompt last.

    Attributes:
        failure: the exception that ended the run, if one did.
    """

    def __init__(self, plan: Plan, items: Iterable[history.Item]) -> None:
        self.failure: BaseException | None = None
        self._plan = plan
        self._items = list(items)
        self._decoder: BaseDecoder = plan.connection.api.decoder()
        self._reply = Reply()
        self._step = 0
        self._began = False
        self._slots = asyncio.Semaphore(TOGETHER)
        self._put: Callable[[e.Event], Awaitable[None]]

    async def run(self, put: Callable[[e.Event], Awaitable[None]]) -> None:
        """Runs to the end.

        Args:
            put: takes each event; may wait until there is room for it.
        """
        self._put = put
        plan = self._plan
        total = asyncio.timeout(plan.timeout)
        try:
            await self._emit(e.RunStart(name=plan.name, model=plan.connection.model))
            async with total:
                end = await self._steps()
        except asyncio.CancelledError:
            end = await self._settle(e.RunEnd(status="cancelled"))
        except Exception as error:
            self.failure = error
            if isinstance(error, TimeoutError) and total.expired():
                end = await self._late(f"{plan.name} took longer than its limit of {plan.timeout:g} s in all (timeout)")
            elif isinstance(error, IdleTimeout):
                end = await self._late(str(error))
            else:
                end = await self._broken(error)
        await self._emit(msgspec.structs.replace(end, output=self._reply.output or None))

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _steps(self) -> e.RunEnd:
        for _ in range(self._plan.max_steps):
            await self._respond()
            calls = [key for key in self._reply.calls if key in self._reply.args]
            if self._decoder.verdict.status != "completed" or not calls:
                return await self._close()
            self._items += self._reply.history()
            self._items += await self._call_tools(calls)
        return msgspec.structs.replace(await self._close(), status="max_steps", code="max_steps")

    async def _respond(self) -> None:
        """One response of the model, heard to its end."""
        plan = self._plan
        self._step += 1
        self._reply = Reply()
        self._began = False
        tools = list(plan.tools.values())
        async with self._patience():
            stream = await plan.connection.ask(plan.instructions, self._items, tools, plan.settings)
        async with stream:
            while True:
                try:
                    async with self._patience():
                        item = await anext(stream)
                except StopAsyncIteration:
                    break
                self._began = True
                for event in self._decoder.feed(item):
                    await self._pass(event)
                said = plan.connection.api.said(item)
                if said is not None:
                    self._reply.items.append(said)
        for event in self._decoder.end_step():
            await self._pass(event)

    def _patience(self) -> AbstractAsyncContextManager[None]:
        model = self._plan.connection.model
        return IdleClock(self._plan.idle_timeout).limit(
            lambda seconds: IdleTimeout(f"{model} was silent for longer than the limit of {seconds:g} s (idle_timeout)")
        )

    # --- tools --------------------------------------------------------------------------------------------------------

    async def _call_tools(self, calls: list[str]) -> list[history.Item]:
        groups = [calls] if self._plan.parallel else [[key] for key in calls]
        return [output for group in groups for output in await self._call_together(group)]

    async def _call_together(self, calls: list[str]) -> list[history.Output]:
        # Each call is a task of its own: a tool that swallows its cancellation must not swallow the run's.
        tasks = [asyncio.create_task(self._call_tool(key), name="nbagent-tool") for key in calls]
        try:
            await asyncio.wait(tasks)
            return [task.result() for task in tasks]
        finally:
            running = [task for task in tasks if not task.done()]
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=CLEANUP)

    async def _call_tool(self, key: str) -> history.Output:
        """Runs a call and tells what came of it, to the reader and to the model. Only cancellation gets out."""
        start = self._reply.calls[key]
        task = asyncio.current_task()
        assert task is not None
        try:
            async with self._slots:
                if not self._plan.parallel:
                    await self._emit(e.ToolProgress(id=key))  # until now it waited for the one before
                result, text = await self._result(start, self._reply.args[key])
        except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
            # Whatever a tool raises, exit() and a cancellation of its own included, is an answer to the call.
            info = error_of(error)
            result = e.ToolResult(id=key, status="error", error=info)
            text = f"Error: {info.type}: {info.message}"
        if task.cancelling():
            raise asyncio.CancelledError  # the run is over, even if the tool would not hear of it
        await self._emit(result)
        return history.Output(call_id=start.call_id or key, text=text)

    async def _result(self, start: e.ToolStart, args: e.ToolArgs) -> tuple[e.ToolResult, str]:
        tool = self._plan.tools.get(start.name)
        if tool is None:
            names = ", ".join(self._plan.tools) or "none"
            raise ToolError(f"there is no tool {start.name!r}; the tools are: {names}")
        value = await tool.run(parse_arguments(args.args_text))
        if isinstance(value, _PLAIN):
            content, display = json_of(value), display_of(value)
        else:  # a big table or a figure takes its time to draw
            content, display = await in_thread(partial(_shown, value))
        text = content if isinstance(content, str) else msgspec.json.encode(content).decode()
        return e.ToolResult(id=start.id, content=content, display=display, value=e.Live(value)), text

    # --- ends ---------------------------------------------------------------------------------------------------------

    async def _close(self) -> e.RunEnd:
        """The end as the decoder saw it."""
        end = e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED)
        for event in self._decoder.close():
            if isinstance(event, e.RunEnd):
                end = event
            else:
                await self._pass(event)
        return end

    async def _settle(self, end: e.RunEnd) -> e.RunEnd:
        """Closes what the decoder holds open; `end` gets the usage so far."""
        for event in self._decoder.close(Cancelled()):
            if isinstance(event, e.RunEnd):
                end = msgspec.structs.replace(end, usage=event.usage)
            else:
                await self._pass(event)
        return end

    async def _late(self, message: str) -> e.RunEnd:
        end = await self._settle(e.RunEnd(status="failed", code="timeout"))
        await self._emit(e.Error(message=message, code="timeout", error_type="TimeoutError", fatal=True))
        return end

    async def _broken(self, error: BaseException) -> e.RunEnd:
        said = self._plan.connection.explain(error)
        cut = self._began and said.code == "connection_error"
        end = e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED) if cut else e.RunEnd(status="failed", code=said.code)
        end = await self._settle(end)
        await self._emit(said)
        return end

    async def _pass(self, event: e.Event) -> None:
        """An event of the decoder's on its way out; the run's own start and end are ours to tell."""
        if isinstance(event, e.RunStart | e.RunEnd):
            return
        self._reply.hear(event)
        await self._emit(event)

    async def _emit(self, event: e.Event) -> None:
        await self._put(msgspec.structs.replace(event, step=self._step or None, agent=self._plan.name))


def _shown(value: Any) -> tuple[Any, e.Display]:
    return json_of(value), display_of(value)
