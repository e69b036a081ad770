"""The agent: a model with instructions and tools, and the event streams of its runs."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import openai

from nbagent import events as e
from nbagent.agent import history
from nbagent.agent.cross_loop_queue import CrossLoopQueue
from nbagent.agent.delivery import Delivery
from nbagent.agent.journal import After, Conversation
from nbagent.agent.longterm import LongTerm
from nbagent.agent.memory import Memory, check_memory
from nbagent.agent.mistakes import ASK, explain_options, hint_for
from nbagent.agent.model import ApiName, Connection, check
from nbagent.agent.plan import Plan
from nbagent.agent.session import Session, SessionTurn, StoreLike, open_session, store_of
from nbagent.agent.store import MemoryStore, SessionInfo, Store
from nbagent.agent.tools import RESULT_CHARS, AnyTool, check_result_chars, toolbox
from nbagent.agent.toolset import Toolset, split
from nbagent.agent.turns import Turns
from nbagent.errors import AgentError, Cancelled, NbagentError
from nbagent.events.types import EventTypes, event_types
from nbagent.gate import secrets
from nbagent.runtime import loop
from nbagent.runtime.timeouts import is_limit

ENDS = (e.Error, e.RunEnd)
"""Types of the events that a whole answer is made of."""


class Agent:
    """A model with instructions and tools.

    Prompts are independent, unless they are those of a session (`agent.session()`), or go on from a run (`after=`).

        agent = Agent("gpt-5-mini", "Answer in one sentence.", tools=[weather])
        await agent.generate("Do I need an umbrella in Oslo?")

    Args:
        model: the model's name; `"demo"` is a scripted one that runs in this process.
        instructions: the system prompt.
        tools: functions, tools made by `@tool`, and servers made by `nbagent.mcp`.
        client: an `openai.AsyncOpenAI`, for any server with OpenAI's API; by default one that is configured by the environment
            (`OPENAI_API_KEY`, `OPENAI_BASE_URL`).
        api: `"responses"` or `"chat"` (Chat Completions); by default Responses with OpenAI, Chat with any other server.
        name: the agent's name in the header and in the events; by default the model's.
        max_steps: responses of the model that a run may take; tools are called between them.
        timeout: seconds that a run may take in all, including the time that its reader takes; None is no limit.
        idle_timeout: seconds that the model may be silent; None leaves it to the client, whose limit is 600.
        parallel: whether tool calls of one response run at the same time.
        result_chars: characters of a tool's result that the model gets at most, with a note of what is left out.
        model_settings: more parameters of the API, such as `{"temperature": 0}`; None omits one that nbagent would send.
        delivery: pieces and pace in which texts come to the reader of `stream`; by default as the model sends them.
        memory: what the model is sent of a session's conversation: `BufferWindow(…)`, `SummaryBuffer(…)`; None is all of it.
        longterm: `LongTerm(…)`, which gives the model the tools `recall` and `remember`.
        store: keeps the sessions: the path of an SQLite file, such as `"chats.db"`, or a `Store`; by default this process's
            memory.

    Raises:
        NbagentError: an argument is invalid; the message names it.
        ToolError: a tool cannot be used; the message names it.
    """

    @explain_options
    def __init__(
        self,
        model: str,
        instructions: str = "",
        tools: Iterable[AnyTool | Callable[..., Any] | Toolset] = (),
        *,
        client: openai.AsyncOpenAI | None = None,
        api: ApiName | None = None,
        name: str | None = None,
        max_steps: int = 10,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        parallel: bool = True,
        result_chars: int = RESULT_CHARS,
        model_settings: Mapping[str, Any] | None = None,
        delivery: Delivery | None = None,
        memory: Memory | None = None,
        longterm: LongTerm | None = None,
        store: StoreLike | None = None,
    ) -> None:
        if max_steps < 1:
            raise NbagentError(f"max_steps must be at least 1, got {max_steps!r}")
        for limit, seconds in (("timeout", timeout), ("idle_timeout", idle_timeout)):
            if not is_limit(seconds):
                raise NbagentError(f"{limit} must be a positive number of seconds, got {seconds!r}")
        check_result_chars("Agent", result_chars)
        check(model, client, api)
        self.model = model
        self.name: str = name or model
        self.instructions = instructions
        self.max_steps = max_steps
        self.timeout = timeout
        self.idle_timeout = idle_timeout
        self.parallel = parallel
        self.delivery = delivery
        self.memory = check_memory(memory)
        self.longterm = longterm
        self.store: Store = MemoryStore() if store is None else store_of(store)
        self.result_chars = result_chars
        self._settings = dict(model_settings or {})
        functions, self._toolsets = split(tools)
        self._tools = toolbox(functions)
        self._client = client
        self._api = api
        self._connected: Connection | None = None
        self._connecting = threading.Lock()

    @property
    def tools(self) -> list[AnyTool]:
        """The tools, in the order given; without those of servers."""
        return list(self._tools.values())

    if not TYPE_CHECKING:  # a type checker would take any name for one that __getattr__ knows

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"'Agent' object has no attribute {name!r}; {hint_for(name)}")

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Raise TypeError: an agent is not a function."""
            raise TypeError(f"an Agent is not called; {ASK}")

    def __repr__(self) -> str:
        named = f", name={self.name!r}" if self.name != self.model else ""
        return f"Agent({self.model!r}{named}, tools=[{', '.join(self._tools)}])"

    def stream(self, prompt: str | Iterable[Any], *, after: Any = None, types: EventTypes = None) -> "AgentStream":
        """Return the events of a run, for `nbagent.show`, `async for` or `for`. The request is sent when the first one is read.

        Args:
            prompt: a text; or messages in the form of either API, the newest last.
            after: what the prompt goes on from: a run, of this agent or of any other stream, or messages. A run that still
                goes on is waited for.
            types: types to keep, e.g. `"text.delta"` or `(events.ToolResult, events.RunEnd)`, for a loop of your own; None
                keeps all, which `nbagent.show` needs.

        Raises:
            NbagentError: there is no key, the model is not one of the server's, or the prompt cannot be read.
            ValueError: there are no events of such a type.
        """
        shared = self.longterm if self.longterm is not None and self.longterm.storage_scope == "shared" else None
        plan = self._plan({} if shared is None else shared.tools(self.store, None))
        journal = None if after is None else After(after)
        return AgentStream(Turns(plan, history.from_prompt(prompt), journal), self.name, event_types(types))

    async def generate(self, prompt: str | Iterable[Any], *, after: Any = None) -> str:
        """Return the whole answer to a prompt.

        Args:
            prompt: as for `stream`.
            after: as for `stream`.

        Raises:
            AgentError: the run failed, was cut off, or reached `max_steps`; its `partial` is the text so far, and its cause the
                openai client's own error, if there was one.
            Cancelled: the model's server cancelled its response.
        """
        return await self._answer_of(self.stream(prompt, after=after, types=ENDS))

    def session(self, name: str | None = None, *, store: StoreLike | None = None) -> Session:
        """Return a conversation: each of its prompts knows what was said before.

        Args:
            name: of the session; one that is in the store goes on. None makes a new one.
            store: keeps it: the path of an SQLite file, or a `Store`; by default the agent's own.

        Raises:
            SessionError: the file cannot be used.
        """
        return open_session(self, name, self.store if store is None else store_of(store))

    def sessions(self, *, store: StoreLike | None = None) -> list[SessionInfo]:
        """Return what is known of the sessions in a store, the one that was changed last first; see `session`."""
        return (self.store if store is None else store_of(store)).sessions()

    def _stream_in(self, session: Session, prompt: str | Iterable[Any], types: EventTypes) -> "AgentStream":
        """Return the events of the answer to a prompt of a session."""
        extra = {} if self.longterm is None else self.longterm.tools(session.store, session.id)
        plan = self._plan(extra, session.allowed)
        turn = SessionTurn(session, plan, self.memory)
        return AgentStream(Turns(plan, history.from_prompt(prompt), turn), self.name, event_types(types))

    def _plan(self, extra_tools: Mapping[str, AnyTool], allowed: set[str] | None = None) -> Plan:
        return Plan(
            name=self.name,
            instructions=self.instructions,
            tools={**extra_tools, **self._tools},
            toolsets=self._toolsets,
            connection=self._connection(),
            settings=self._settings,
            max_steps=self.max_steps,
            timeout=self.timeout,
            idle_timeout=self.idle_timeout,
            parallel=self.parallel,
            result_chars=self.result_chars,
            allowed=set() if allowed is None else allowed,
            delivery=self.delivery,
        )

    async def _answer_of(self, answer: "AgentStream") -> str:
        """Read a run to its end, and return its answer; see `generate`."""
        error: e.Error | None = None
        end = e.RunEnd(status="incomplete")
        async with aclosing(answer) as stream:
            async for event in stream:
                if isinstance(event, e.Error) and event.fatal:
                    error = event
                elif isinstance(event, e.RunEnd):
                    end = event
        if end.status == "completed":
            return end.output or ""
        if end.status == "cancelled":
            raise Cancelled("the model's server")  # no one else has this stream
        if error is not None:
            message = error.message
        elif end.status == "max_steps":
            message = f"{self.name} has not answered within {self.max_steps} steps (max_steps)"
        else:
            message = f"{self.name} did not finish its answer: {end.finish_reason or end.code or end.status}"
        code = end.code or (error.code if error else None)
        failure = AgentError(message, status=end.status, code=code, partial=end.output or "")
        raise failure from self._without_secrets(stream.failure)

    def _connection(self) -> Connection:
        with self._connecting:
            if self._connected is None:
                self._connected = Connection(self.model, self._client, self._api)
            return self._connected

    def _without_secrets(self, error: BaseException | None) -> BaseException | None:
        """Return the error, or None if its message holds a secret, which some servers quote."""
        return error if error is not None and secrets.mask(str(error)) == str(error) else None


class AgentStream(loop.OwnedStream):
    """The events of one run, for `async for` on any event loop, or for a plain `for`. They can be read once.

    The run is a task on nbagent's own loop. It goes on while a cell blocks, until some hundred events wait to be read.
    Closing or dropping the stream, or cancelling the task that reads it, stops the run: the model's connection is closed,
    async tools are cancelled, and results of sync ones are dropped. The last event is then `run.end` with status `cancelled`.

    Attributes:
        name: the agent's name.
    """

    def __init__(self, turns: Turns, name: str, types: frozenset[str] | None = None) -> None:
        self.name = name
        self._types = types
        self._turns = turns
        self._queue: CrossLoopQueue[e.Event] = CrossLoopQueue(turns.run if types else turns.deliver)
        self._exhausted = False

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended the run, or None. Unlike the events, it may hold secrets that a server quoted."""
        return self._turns.failure

    @property
    def conversation(self) -> Conversation:
        """The history so far, for a run that goes on from this one."""
        return self._turns.conversation

    def __aiter__(self) -> "AgentStream":
        self._check_unread()
        return self

    async def __anext__(self) -> e.Event:
        try:
            while isinstance(taken := self._queue.take(), Future) or self._is_left_out(taken):
                if isinstance(taken, Future):
                    await asyncio.wrap_future(taken)
        except BaseException:
            self.close()
            raise
        if taken is None:
            self._exhausted = not self._queue.stopping
            raise StopAsyncIteration
        return taken

    def __iter__(self) -> "AgentStream":
        self._check_unread()
        return self

    def __next__(self) -> e.Event:
        if loop.is_current():
            raise NbagentError("this code runs on nbagent's own loop, which a plain for would block: use async for")
        try:
            while isinstance(taken := self._queue.take(), Future) or self._is_left_out(taken):
                if isinstance(taken, Future):
                    taken.result()
        except BaseException:  # an interrupted cell must not leave the model running, and billing, in the background
            self.close()
            raise
        if taken is None:
            self._exhausted = not self._queue.stopping
            raise StopIteration
        return taken

    def _is_left_out(self, event: e.Event | None) -> bool:
        return event is not None and self._types is not None and event.type not in self._types

    def _check_unread(self) -> None:
        if self._exhausted:
            raise NbagentError(f"this stream of {self.name} was read to its end; agent.stream(…) makes a new one")

    def close(self) -> None:
        """Stop the run without waiting for it, from any thread. May be called more than once."""
        self._queue.stop()

    async def aclose(self) -> None:
        """Stop the run, and wait until its connection is closed and its tools are cancelled."""
        self._queue.stop()
        await self._queue.stopped()

    def __enter__(self) -> "AgentStream":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> "AgentStream":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._queue.stop()

    def __repr__(self) -> str:
        return f"<AgentStream of {self.name}>"
