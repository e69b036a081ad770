"""The agent: a model, instructions and tools, behind one call that gives a stream of events."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any

import openai

from nbagent import events as e
from nbagent.agent import history
from nbagent.agent.handover import Handover
from nbagent.agent.model import ApiName, Connection, check
from nbagent.agent.tools import AnyTool, toolbox
from nbagent.agent.turns import Plan, Turns
from nbagent.errors import AgentError, Cancelled, NbagentError
from nbagent.gate import secrets
from nbagent.runtime import loop


class Agent:
    """A model with instructions and tools. It keeps no memory from one prompt to the next.

        agent = Agent("gpt-5-mini", "Answer in one sentence.", tools=[weather])
        await agent.generate("Do I need an umbrella in Oslo?")

    Args:
        model: the model's name; `"demo"` is a scripted one that runs in this process.
        instructions: the system prompt.
        tools: functions, or what `@tool` made of them.
        client: an `openai.AsyncOpenAI`, for any server that speaks OpenAI's API; by default what the environment says
            (`OPENAI_API_KEY`, `OPENAI_BASE_URL`).
        api: `"responses"` or `"chat"` (Chat Completions); by default Responses with OpenAI, Chat with any other server.
        name: what the header shows and the events carry; the model's name by default.
        max_steps: how many responses of the model a run may take; tools are called between them.
        timeout: seconds a run may take in all, the reader's own pauses included; None is no limit.
        idle_timeout: seconds the model may be silent; None leaves it to the client, which waits 600.
        parallel: whether tools that the model calls together run together.
        model_settings: more parameters of the API, such as `{"temperature": 0}`; None leaves one out that nbagent would send.

    Raises:
        NbagentError: an argument cannot be; the message names it.
        ToolError: a tool cannot be used; the message names it.
    """

    def __init__(
        self,
        model: str,
        instructions: str = "",
        tools: Iterable[AnyTool | Callable[..., Any]] = (),
        *,
        client: openai.AsyncOpenAI | None = None,
        api: ApiName | None = None,
        name: str | None = None,
        max_steps: int = 10,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        parallel: bool = True,
        model_settings: Mapping[str, Any] | None = None,
    ) -> None:
        if max_steps < 1:
            raise NbagentError(f"max_steps must be at least 1, got {max_steps!r}")
        for limit, seconds in (("timeout", timeout), ("idle_timeout", idle_timeout)):
            if seconds is not None and not seconds > 0:
                raise NbagentError(f"{limit} is in seconds and above 0, got {seconds!r}")
        check(model, client, api)
        self.model = model
        self.name: str = name or model
        self.instructions = instructions
        self.max_steps = max_steps
        self.timeout = timeout
        self.idle_timeout = idle_timeout
        self.parallel = parallel
        self._settings = dict(model_settings or {})
        self._tools = toolbox(tools)
        self._client = client
        self._api = api
        self._connected: Connection | None = None
        self._connecting = threading.Lock()

    @property
    def tools(self) -> list[AnyTool]:
        """The tools, in the order given."""
        return list(self._tools.values())

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name != self.model else ""
        return f"Agent({self.model!r}{named}, tools=[{', '.join(self._tools)}])"

    def stream(self, prompt: str | Iterable[Any]) -> "AgentStream":
        """A run's events as they come, for `nbagent.show`, `async for` or `for`. Nothing is sent before the first is asked for.

        Args:
            prompt: a text; or messages in the form of either API, the newest last.

        Raises:
            NbagentError: there is no key, or the prompt cannot be read.
        """
        plan = Plan(
            name=self.name,
            instructions=self.instructions,
            tools=self._tools,
            connection=self._connection(),
            settings=self._settings,
            max_steps=self.max_steps,
            timeout=self.timeout,
            idle_timeout=self.idle_timeout,
            parallel=self.parallel,
        )
        return AgentStream(Turns(plan, history.from_prompt(prompt)), self.name)

    async def generate(self, prompt: str | Iterable[Any]) -> str:
        """The whole answer.

        Args:
            prompt: as for `stream`.

        Raises:
            AgentError: the run failed, was cut off, or reached `max_steps`; its `partial` has the text so far, and its cause is
                the openai client's own error, if there was one.
            Cancelled: the model's server cancelled its response.
        """
        error: e.Error | None = None
        end = e.RunEnd(status="incomplete")
        async with aclosing(self.stream(prompt)) as stream:
            async for event in stream:
                if isinstance(event, e.Error) and event.fatal:
                    error = event
                elif isinstance(event, e.RunEnd):
                    end = event
        if end.status == "completed":
            return end.output or ""
        if end.status == "cancelled":
            raise Cancelled("the model's server")  # nobody else knows this stream
        if error is not None:
            message = error.message
        elif end.status == "max_steps":
            message = f"{self.name} has not answered within {self.max_steps} steps (max_steps)"
        else:
            message = f"{self.name} did not finish its answer: {end.finish_reason or end.code or end.status}"
        code = end.code or (error.code if error else None)
        failure = AgentError(message, status=end.status, code=code, partial=end.output or "")
        raise failure from self._showable(stream.failure)

    def _connection(self) -> Connection:
        with self._connecting:
            if self._connected is None:
                self._connected = Connection(self.model, self._client, self._api)
            return self._connected

    def _showable(self, error: BaseException | None) -> BaseException | None:
        """The error as a cause, unless a server put a secret into it."""
        return error if error is not None and secrets.mask(str(error)) == str(error) else None


class AgentStream(loop.OwnedStream):
    """The events of one run: `async for` them on any event loop, or `for` them without one. They can be read once.

    The run itself lives on nbagent's own loop, so it goes on while a cell blocks, up to some hundred events that nobody reads.
    Closing the stream, cancelling who reads it or dropping it stops the run: the model's connection is closed at once, async
    tools are cancelled, and what sync ones still return is dropped. Who goes on reading gets `run.end` with status `cancelled`.

    Attributes:
        name: the agent's name.
    """

    def __init__(self, turns: Turns, name: str) -> None:
        self.name = name
        self._turns = turns
        self._handover: Handover[e.Event] = Handover(turns.run)
        self._over = False

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the run, if one did. Unlike the events, it may hold what a server wrote into its error."""
        return self._turns.failure

    def __aiter__(self) -> "AgentStream":
        self._check_unread()
        return self

    async def __anext__(self) -> e.Event:
        try:
            while isinstance(taken := self._handover.take(), Future):
                await asyncio.wrap_future(taken)
        except BaseException:
            self.close()
            raise
        if taken is None:
            self._over = not self._handover.stopping
            raise StopAsyncIteration
        return taken

    def __iter__(self) -> "AgentStream":
        self._check_unread()
        return self

    def __next__(self) -> e.Event:
        if loop.is_current():
            raise NbagentError("this code runs on nbagent's own loop, which a plain for would block: use async for")
        try:
            while isinstance(taken := self._handover.take(), Future):
                taken.result()
        except BaseException:  # an interrupted cell must not leave the model talking, and billing, in the background
            self.close()
            raise
        if taken is None:
            self._over = not self._handover.stopping
            raise StopIteration
        return taken

    def _check_unread(self) -> None:
        if self._over:
            raise NbagentError(f"this stream of {self.name} was read to its end; agent.stream(…) makes a new one")

    def close(self) -> None:
        """Stops the run, from any thread, without waiting; twice does no harm."""
        self._handover.stop()

    async def aclose(self) -> None:
        """Stops the run and waits until its connection is closed and its tools are cancelled."""
        self._handover.stop()
        await self._handover.stopped()

    def __enter__(self) -> "AgentStream":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> "AgentStream":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._handover.stop()

    def __repr__(self) -> str:
        return f"<AgentStream of {self.name}>"
