"""`FunctionAgent`: a function from a prompt to a stream, served in the place of an agent."""

import inspect
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any, TypeAlias

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.delivery import Delivery
from nbagent.agent.model.content_parts import shown_files
from nbagent.agent.model.input_items import Item, Message, from_prompt, text_of, to_chat
from nbagent.agent.run.history import Conversation, History, NoHistory
from nbagent.agent.sessions.memory_store import MemoryStore
from nbagent.agent.sessions.session import Session, open_session
from nbagent.agent.sessions.session_history import SessionHistory
from nbagent.agent.sessions.store import Store
from nbagent.agent.tools.tool import AnyTool, in_thread
from nbagent.errors import NbagentError
from nbagent.run import Run

MESSAGES = "messages"
"""Name of the parameter that gets the whole conversation."""

_RETURN_AT_ONCE = (
    inspect.iscoroutinefunction,
    inspect.isasyncgenfunction,
    inspect.isgeneratorfunction,
)


class FunctionAgent:
    """A function whose stream is the answer to a prompt. It has the part of an `Agent` that a
    server needs.

    Args:
        function: called with the newest prompt, a text or its parts; a parameter that is named
            `messages` gets the conversation so far, as messages of Chat Completions, the newest
            last. It returns whatever `nbagent.show` takes. One that is no `async def` and no
            generator is called in a thread.
        name: that it is served under.

    Attributes:
        name: as given.
        description: first line of the function's docstring.
        store: keeps the sessions.

    Raises:
        NbagentError: the function takes no prompt.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.name = name
        self.description = (inspect.getdoc(function) or "").partition("\n")[0]
        self.instructions = self.welcome = ""
        self.tools: list[AnyTool] = []
        self.delivery: Delivery | None = None
        self.store: Store = MemoryStore()
        self._function = function
        parameters = inspect.signature(function).parameters
        self._takes_messages = MESSAGES in parameters
        self._takes_prompt = next(iter(parameters), MESSAGES) != MESSAGES
        if not parameters:
            raise NbagentError(
                f"the function {name!r} takes no prompt: give it a parameter for the newest "
                f"prompt, or one named {MESSAGES!r} for the conversation"
            )

    def __repr__(self) -> str:
        return f"<FunctionAgent {self.name!r}>"

    @property
    def has_tools(self) -> bool:
        """False: the tools of a function are its own affair."""
        return False

    async def served_tools(self) -> list[AnyTool]:
        """Return the tools that may be called by themselves: none."""
        return []

    def session(self, name: str | None = None, *, store: Store | None = None) -> Session:
        """Return a conversation; see `Agent.session`."""
        agent: Any = self
        return open_session(agent, name, self.store if store is None else store)

    def stream(
        self, prompt: str | Iterable[Any], *, client_options: ClientOptions = NO_OPTIONS
    ) -> AsyncGenerator[e.Event, None]:
        """Return the events of the answer to a prompt.

        Raises:
            NbagentError: the client asks for what only a model can keep.
        """
        self._check(client_options)
        conversation = Conversation(from_prompt(prompt))
        return self._answer(conversation, NoHistory(), client_options.instructions)

    def _stream_in(
        self,
        session: Session,
        prompt: str | Iterable[Any],
        output: Any,
        types: Any,
        client_options: ClientOptions,
    ) -> AsyncGenerator[e.Event, None]:
        """Return the events of the answer to a prompt of a session, which calls this."""
        self._check(client_options)
        params: Any = None  # is for a memory, which a function has not
        history = SessionHistory(session, params, memory=None, turn=client_options.turn)
        conversation = Conversation(from_prompt(prompt))
        return self._answer(conversation, history, client_options.instructions)

    def _check(self, options: ClientOptions) -> None:
        if options.tools or options.form is not None or options.model != NO_OPTIONS.model:
            raise NbagentError(
                f"{self.name} is a function, which takes no tools, no form of the answer and no "
                "options of a model"
            )

    async def _answer(
        self, conversation: Conversation, history: History, instructions: str
    ) -> AsyncGenerator[e.Event, None]:
        run: Run | None = None
        usage: e.Usage | None = None
        try:
            await history.begin(conversation, _ignore)
            newest = conversation.items[-1]
            run = Run(
                await self._stream_of(to_chat(conversation.items, instructions)), reveal="all"
            )
            run.start()
            agents = 0
            async for event in run.stream():
                match event:
                    case e.Prompt():  # each agent that the function asks repeats it
                        agents += 1
                        continue
                    case e.RunEnd():
                        usage = event.usage
                        event = _with_answer(event, run, agents)
                        await history.add(_answers_in(run))
                yield event
                if type(event) is e.RunStart and isinstance(newest, Message):
                    yield e.Prompt(text=text_of(newest), files=shown_files(newest.content))
        finally:
            if run is not None:
                run.cancel()
            await history.end(usage)

    async def _stream_of(self, messages: list[dict[str, Any]]) -> Any:
        """Return what the function returns for a conversation."""
        positional = [messages[-1]["content"]] if self._takes_prompt else []
        named = {MESSAGES: messages} if self._takes_messages else {}
        if any(returns_at_once(self._function) for returns_at_once in _RETURN_AT_ONCE):
            returned = self._function(*positional, **named)
        else:
            returned = await in_thread(lambda: self._function(*positional, **named))
        return await returned if inspect.iscoroutine(returned) else returned


ServedAgent: TypeAlias = Agent | FunctionAgent


async def _ignore(event: e.Event) -> None:
    """Ignore the note that an answer waits for the one before: it can be shown too late only."""


def _answers_in(run: Run) -> list[Item]:
    """Return the answers in a run, whose messages may repeat the prompt."""
    answers = [message for message in run.messages if message["role"] in ("assistant", "tool")]
    return from_prompt(answers) if answers else []


def _with_answer(end: e.RunEnd, run: Run, agents: int) -> e.RunEnd:
    """Return the end of a run with its answer: all texts where it is not that of one agent."""
    if end.status != "completed" or (agents == 1 and end.output is not None):
        return end
    return replace(end, output=run.text or None)
