"""`History`: what was said before a run's prompt (nothing, another run, a session), and what keeps
the run's own messages.
"""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

from nbagent import events as e
from nbagent.agent.model.input_items import Item, Json, from_prompt, to_chat
from nbagent.agent.model.valid_history import ended
from nbagent.agent.tools.tool import in_thread
from nbagent.errors import NbagentError
from nbagent.gate import secrets

Emit: TypeAlias = Callable[[e.Event], Awaitable[None]]


class Conversation:
    """The history of a run.

    Args:
        prompt: items that the run was given, the prompt last.

    Attributes:
        items: as the model has them, so far.
        prompt: the range of the run's prompt among the items.
        earlier: messages of Chat Completions before the run's prompt, as the run's reader may see
            them.
        inside: those of agents inside calls, by the ids of the agents in the run's events.
    """

    def __init__(self, prompt: Iterable[Item]) -> None:
        self.items: list[Item] = list(prompt)
        self.prompt = range(len(self.items))
        own = self.items[:-1] if getattr(self.items[-1], "role", None) == "user" else self.items
        self.earlier: list[Json] = _masked(to_chat(own, ""))
        self.inside: dict[str, Conversation] = {}

    def put_before(self, items: Iterable[Item], shown: Iterable[Json] | None = None) -> None:
        """Put what was said before the run in front.

        Args:
            items: as the model has them.
            shown: messages that the run's reader may see in their place; None for those of the
                items.
        """
        items = list(items)
        self.earlier[:0] = _masked(to_chat(items, "") if shown is None else list(shown))
        self.items[:0] = items
        self.prompt = range(self.prompt.start + len(items), self.prompt.stop + len(items))


def _masked(messages: list[Json]) -> list[Json]:
    masked: list[Json] = secrets.known().mask_json(messages)
    return masked


class History(Protocol):
    """Gives a run its history, and keeps what the run adds to it.

    All methods are awaited on nbagent's own loop.
    """

    async def begin(self, conversation: Conversation, emit: Emit) -> None:
        """Put the history before the prompt, which is all that the conversation has.

        May wait for another run.
        """
        ...

    async def add(self, items: Sequence[Item]) -> None:
        """Keep items of the run, before its reader sees that they are complete."""
        ...

    async def end(self, usage: e.Usage | None) -> e.Usage | None:
        """End the run, however it ended, also before `begin` returned.

        Args:
            usage: tokens of the run; None if they are unknown.

        Returns:
            The same, with those that the history took, such as those of a summary.
        """
        ...


class HistoryWriter:
    """Adds items to a run's conversation, and to its history.

    Args:
        conversation: of the run.
        history: of the run.
    """

    def __init__(self, conversation: Conversation, history: History) -> None:
        self._conversation = conversation
        self._history = history

    async def keep(self, *items: Item) -> None:
        """Keep items, the first first."""
        self._conversation.items += items
        await self._history.add(items)


class NoHistory:
    """The history of a run that stands alone: it begins with its prompt, and nothing is kept."""

    async def begin(self, conversation: Conversation, emit: Emit) -> None:
        """Do nothing."""

    async def add(self, items: Sequence[Item]) -> None:
        """Keep nothing."""

    async def end(self, usage: e.Usage | None) -> e.Usage | None:
        """Return the tokens of the run."""
        return usage


class ContinuedHistory(NoHistory):
    """The history of a run that goes on from another one, once that has ended. Nothing is kept.

    Args:
        source: a `Run`, a session, or messages.

    Raises:
        NbagentError: it is none of these.
    """

    def __init__(self, source: Any) -> None:
        if not hasattr(source, "messages") and not isinstance(source, (list, tuple)):
            raise NbagentError(
                f"after= takes a run, a session or a list of messages, got {type(source).__name__}"
            )
        self._source = source

    async def begin(self, conversation: Conversation, emit: Emit) -> None:
        """Wait for the end of the other run, and put its history before the prompt."""
        if getattr(self._source, "done", True) is False:
            await emit(e.Status(message=f"waits for the end of {self._source.name}"))
            over: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._source.on_end(partial(over.set_result, None))
            await asyncio.shield(asyncio.wrap_future(over))
        exact = getattr(self._source, "conversation", None)
        # In a thread, because those of a session are in its store.
        messages = list(await in_thread(lambda: getattr(self._source, "messages", self._source)))
        if isinstance(exact, Conversation):
            items = exact.items
        else:
            items = from_prompt(messages) if messages else []
        conversation.put_before(ended(items), messages)
