"""The agent: a model with instructions and tools, and the event streams of its runs."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import openai

from nbagent.agent.agent_loop import AgentLoop
from nbagent.agent.agent_parts import AgentParts
from nbagent.agent.agent_stream import AgentStream
from nbagent.agent.answers import Answers
from nbagent.agent.calls.context import CURRENT_CALL
from nbagent.agent.calls.tool_call_stream import ToolCallStream
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.delivery import Delivery
from nbagent.agent.model import input_items
from nbagent.agent.model.apis import ApiName
from nbagent.agent.model.model_source import ModelSource
from nbagent.agent.model.recorded_connection import Model
from nbagent.agent.options import Prices
from nbagent.agent.prompt_parts import joined
from nbagent.agent.recipe import Recipe, recipe_of
from nbagent.agent.run.history import ContinuedHistory
from nbagent.agent.run.outcome import ANSWER_EVENTS, Outcome
from nbagent.agent.sessions.longterm import LongTerm
from nbagent.agent.sessions.memory import Memory
from nbagent.agent.sessions.session import Session, StoreLike, open_session, store_of
from nbagent.agent.sessions.session_history import SessionHistory
from nbagent.agent.sessions.store import SessionInfo
from nbagent.agent.subagent import run_inside
from nbagent.agent.tools.tool import AnyTool
from nbagent.agent.tools.toolset import Toolset
from nbagent.agent.usage_hints import ASK, explain_options, hint_for
from nbagent.events.question import Handler
from nbagent.events.types import EventTypes, event_types
from nbagent.run_context import without_stops
from nbagent.runtime.late_imports import late_import

if TYPE_CHECKING:
    from nbagent.run import Run

T = TypeVar("T")


class Agent(AgentParts):
    """A model with instructions and tools.

    Prompts are independent, unless they are those of a session (`agent.session()`), or go on from a
    run (`after=`).

        agent = Agent("gpt-5-mini", "Answer in one sentence.", tools=[weather])
        await agent.generate("Do I need an umbrella in Oslo?")

    Args:
        model: the model's name; `"demo"` is a scripted one that runs in this process. Or a
            recording: of `nbagent.replay("run.jsonl")`, a run or its events, each request gets the
            next response, and the tools are called for real. `[nbagent.replay("run.jsonl"),
            "gpt-5-mini"]` goes on with a live model where the recording ends.
        instructions: the system prompt.
        tools: functions, tools made by `@tool`, other agents (see `as_tool`), and servers made by
            `nbagent.mcp`.
        client: an `openai.AsyncOpenAI`, for any server with OpenAI's API; by default one that is
            configured by the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL`).
        api: `"responses"` or `"chat"` (Chat Completions); by default Responses with OpenAI, Chat
            with any other server.
        name: the agent's name in the header and in the events; by default the model's.
        max_steps: responses of the model that a run may take; tools are called between them.
        timeout: seconds that a run may take in all, including the time that its reader takes; None
            is no limit.
        idle_timeout: seconds that the model may be silent; None leaves it to the client, whose
            limit is 600.
        parallel: whether tool calls of one response run at the same time.
        result_chars: characters of a tool's result that the model gets at most, with a note of what
            is left out.
        model_settings: more parameters of the API, such as `{"temperature": 0}`; None omits one
            that nbagent would send.
        description: what the agent is for, for the models of agents that have it as a tool or may
            hand over to it; by default its instructions.
        welcome: what the reader of a chat sees before the first prompt; by default the first line
            of the description or the instructions, where they may be seen.
        allow: names of tools that are called without asking, although they ask first. The set
            `agent.allow` may be changed.
        handoffs: agents that may go on with the conversation. The list `agent.handoffs` may be
            changed later, so that two agents can hand over to each other.
        max_total_tokens: tokens that a run may use, those of its sub-agents among them. They are
            counted after each response; a run that has used them up calls no more tools and ends as
            incomplete, with the code "budget".
        max_cost: the same in US dollars; needs `prices`.
        prices: of the model, in US dollars per million tokens: `{"input": 1.25, "output": 10}`, and
            `"cache_read"` for input that the server has in its cache, if that differs. With them a
            run's usage has a cost.
        max_repeats: how often in a row the model may make the same call with the same result. Then
            it is warned; if it goes on, the run ends as incomplete, with the code "loop". None
            never ends it.
        concurrency: requests to the model that all runs of the agent together may have under way;
            the others wait for their turn. None is no limit.
        delivery: pieces and pace in which texts come to the reader of `stream`; by default as the
            model sends them.
        memory: what the model is sent of a session's conversation: `BufferWindow(…)`,
            `SummaryBuffer(…)`; None is all of it.
        longterm: `LongTerm(…)`, which gives the model the tools `recall` and `remember`.
        store: keeps the sessions: the path of an SQLite file, such as `"chats.db"`, the URL of a
            Redis, or a `Store`; by default this process's memory.

    A request that the server cannot take yet (429, 5xx, no connection) is sent again, as often as
    the client's `max_retries` says (2 by default) and after the time that the server asks for. One
    whose response has begun is never sent again.

    Raises:
        NbagentError: an argument is invalid; the message names it.
        ToolError: a tool cannot be used; the message names it.
    """

    @explain_options
    def __init__(
        self,
        model: Model,
        instructions: str = "",
        tools: "Iterable[AnyTool | Callable[..., Any] | Toolset | Agent]" = (),
        *,
        client: openai.AsyncOpenAI | None = None,
        api: ApiName | None = None,
        name: str | None = None,
        max_steps: int = 10,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        parallel: bool = True,
        result_chars: int = 20_000,
        model_settings: Mapping[str, Any] | None = None,
        description: str = "",
        welcome: str = "",
        allow: Iterable[str] = (),
        handoffs: "Iterable[Agent]" = (),
        max_total_tokens: int | None = None,
        max_cost: float | None = None,
        prices: Mapping[str, float] | None = None,
        max_repeats: int | None = 3,
        concurrency: int | None = None,
        delivery: Delivery | None = None,
        memory: Memory | None = None,
        longterm: LongTerm | None = None,
        store: StoreLike | None = None,
    ) -> None:
        super().__init__(
            model=ModelSource(model, client, api),
            tools=tools,
            name=name,
            allow=allow,
            handoffs=handoffs,
            delivery=delivery,
            memory=memory,
            longterm=longterm,
            store=store,
            instructions=instructions,
            description=description,
            welcome=welcome,
            max_steps=max_steps,
            timeout=timeout,
            idle_timeout=idle_timeout,
            parallel=parallel,
            result_chars=result_chars,
            model_settings=model_settings,
            max_total_tokens=max_total_tokens,
            max_cost=max_cost,
            prices=Prices.of(prices),
            max_repeats=max_repeats,
            concurrency=concurrency,
        )

    if not TYPE_CHECKING:  # a type checker would take any name for one that __getattr__ knows

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(f"'Agent' object has no attribute {name!r}; {hint_for(name)}")

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Raise TypeError: an agent is not a function."""
            raise TypeError(f"an Agent is not called; {ASK}")

    def __reduce__(self) -> Recipe:
        """Return what makes an equal agent in another process; its sessions stay here."""
        return recipe_of(self)

    def __copy__(self) -> Self:
        """Return an agent with the same model, tools and sessions."""
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def stream(
        self,
        prompt: str | Iterable[Any],
        *,
        output: Any = None,
        after: Any = None,
        types: EventTypes = None,
        client_options: ClientOptions = NO_OPTIONS,
    ) -> AgentStream:
        """Return the events of a run, for `nbagent.show`, `async for` or `for`.

        The request is sent when the first one is read.

        Args:
            prompt: a text; a list of texts, `nbagent.image(…)` and `nbagent.file(…)`; or messages
                in the form of either API, the newest last.
            output: type of the answer: a pydantic model, a dataclass, a TypedDict, a plain type, or
                a list of these. The answer is JSON then, and `run.output` the object. One that does
                not fit is asked for once more. None is a text.
            after: what the prompt goes on from: a run, of this agent or of any other stream, or
                messages. A run that still goes on is waited for.
            types: types to keep, e.g. `"text.delta"` or `(events.ToolResult, events.RunEnd)`, for a
                loop of your own; None keeps all, which `nbagent.show` needs.
            client_options: what the client of a server asks for, such as tools of its own.

        Raises:
            NbagentError: the prompt cannot be read.
            ToolError: a tool of the client has a name that it cannot have.
            UnknownToModel: the model's API has no such option as the client asks for.
            ValueError: there are no events of such a type.
        """
        params = self._run_params(self._shared_tools(), output=output, client=client_options)
        history = None if after is None else ContinuedHistory(after)
        return AgentStream(
            AgentLoop(params, input_items.from_prompt(joined(prompt)), history),
            self.name,
            event_types(types),
            self,
        )

    @overload
    async def generate(
        self, prompt: str | Iterable[Any], *, after: Any = None, answer: Handler | None = None
    ) -> str: ...
    @overload
    async def generate(
        self,
        prompt: str | Iterable[Any],
        *,
        output: type[T],
        after: Any = None,
        answer: Handler | None = None,
    ) -> T: ...
    @overload
    async def generate(
        self,
        prompt: str | Iterable[Any],
        *,
        output: Any,
        after: Any = None,
        answer: Handler | None = None,
    ) -> Any: ...
    async def generate(
        self,
        prompt: str | Iterable[Any],
        *,
        output: Any = None,
        after: Any = None,
        answer: Handler | None = None,
    ) -> Any:
        """Return the whole answer to a prompt.

        Inside a tool of another agent, the run appears in the panel of the tool's call.

        Args:
            prompt: as for `stream`.
            output: as for `stream`; the answer is an object of this type then.
            after: as for `stream`.
            answer: answers the questions of tools that ask before they are called, as for
                `nbagent.show`: called with each `Question`, in a thread (an `async def` on this
                loop). It returns True or False, changed arguments, or a text as the reason of a
                denial.

        Raises:
            AgentError: the run failed, was cut off, or reached a limit; its `partial` is the text
                so far, and its cause the openai client's own error, if there was one. Or it asks a
                question, and there is no `answer` (`status` "paused").
            Cancelled: the model's server cancelled its response.
        """
        context = CURRENT_CALL.get()
        if context is not None and answer is None and after is None:
            return await run_inside(context, lambda: self.start_inside(prompt, context, output))
        return await self._answer_of(
            self.stream(prompt, output=output, after=after, types=ANSWER_EVENTS), answer
        )

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
        """Return the sessions in a store, the one that was changed last first; see `session`."""
        return (self.store if store is None else store_of(store)).sessions()

    def _stream_in(
        self,
        session: Session,
        prompt: str | Iterable[Any],
        output: Any,
        types: EventTypes,
        client_options: ClientOptions,
    ) -> AgentStream:
        """Return the events of the answer to a prompt of a session."""
        extra = {} if self.longterm is None else self.longterm.tools(session.store, session.id)
        params = self._run_params(extra, session.allowed, output=output, client=client_options)
        history = SessionHistory(session, params, self.memory, client_options.turn)
        agent_loop = AgentLoop(params, input_items.from_prompt(joined(prompt)), history)
        return AgentStream(agent_loop, self.name, event_types(types), self, session.name)

    def fork(self, recording: Any, at: Any = None, **options: Any) -> "Run":
        """Repeat a recorded run up to a point without asking the model, go on live from there, and
        show that.

            agent.fork(nbagent.replay("run.jsonl"), at="fetch_rates", result={"rate": 1.1})

        Args:
            recording: `nbagent.replay(…)`, the path of a recording, a list of events
                (`nbagent.load(…)`), or a run.
            at: as for `run.fork`.
            options: the other arguments of `run.fork`, which describes them.

        Returns:
            The new run.

        Raises:
            ForkError: it cannot be forked so; the message says why.
        """
        made: Run = late_import("fork")(recording, at, agent=self, **options)
        return made

    def stream_call(self, tool: AnyTool, arguments: dict[str, Any]) -> ToolCallStream:
        """Return the events of a call of a tool that no model made, for `nbagent.show`.

        Args:
            tool: one of `served_tools`.
            arguments: of the call, as JSON.
        """
        return ToolCallStream(self._run_params(), tool, arguments)

    async def _answer_of(self, answer: AgentStream, handler: Handler | None = None) -> Any:
        """Read a run to its end, and return its answer; see `generate`."""
        outcome = Outcome(self.name, self.max_steps)
        with without_stops():  # nobody would see the question
            async with aclosing(answer) as stream, Answers(handler, outcome) as answers:
                await answers.read(stream)
        return outcome.answer(stream.failure)
