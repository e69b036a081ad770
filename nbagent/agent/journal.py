"""What a run's history is joined to: nothing, another run, or a session."""

import asyncio
import concurrent.futures
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeAlias

from nbagent import events as e
from nbagent.agent.history import Item, Json, ended, from_prompt, to_chat
from nbagent.agent.tools import in_thread
from nbagent.errors import NbagentError
from nbagent.gate import secrets

Emit: TypeAlias = Callable[[e.Event], Awaitable[None]]


@dataclass(kw_only=False, slots=True)
class Conversation:
    """The history of a run.

    Attributes:
        items: as the model has it, so far.
        earlier: messages of Chat Completions before the run's prompt, as the run's reader may see them.
    """

    items: list[Item]
    earlier: list[Json] = field(default_factory=list)

    @classmethod
    def of(cls, before: Iterable[Item], prompt: Sequence[Item], earlier: list[Json] | None = None) -> "Conversation":
        """Return the history at the beginning of a run.

        Args:
            before: what was said before the prompt.
            prompt: of the run. Its last message, if that is the user's, is in the run's own transcript.
            earlier: messages that the reader may see in place of `before`.
        """
        before = list(before)
        own = prompt[:-1] if getattr(prompt[-1], "role", None) == "user" else prompt
        shown = to_chat(before, "") if earlier is None else earlier
        masked: list[Json] = secrets.known().mask_json([*shown, *to_chat(own, "")])
        return cls([*before, *prompt], masked)


class Journal(Protocol):
    """Gives a run its history, and keeps what the run adds to it. All methods are awaited on nbagent's own loop."""

    async def begin(self, prompt: list[Item], emit: Emit) -> Conversation:
        """Return the history, the prompt last. May wait for another run."""
        ...

    async def add(self, items: Sequence[Item]) -> None:
        """Keep items of the run, before its reader sees that they are complete."""
        ...

    async def end(self) -> e.Usage | None:
        """End the run, however it ended, also before `begin` returned. Returns the tokens that the journal used, or None."""
        ...


class Alone:
    """Of a run that stands alone."""

    async def begin(self, prompt: list[Item], emit: Emit) -> Conversation:
        """Return the prompt."""
        return Conversation.of([], prompt)

    async def add(self, items: Sequence[Item]) -> None:
        """Keep nothing."""

    async def end(self) -> None:
        """Do nothing."""


class After(Alone):
    """Of a run that goes on from another, once that has ended; what it adds is kept by nobody.

    Args:
        source: a `Run`, a session, or messages.

    Raises:
        NbagentError: it is none of these.
    """

    def __init__(self, source: Any) -> None:
        if not hasattr(source, "messages") and not isinstance(source, list | tuple):
            raise NbagentError(f"after= takes a run, a session or a list of messages, got {type(source).__name__}")
        self._source = source

    async def begin(self, prompt: list[Item], emit: Emit) -> Conversation:
        """Wait for the end of the other run, and return its history and the prompt."""
        if getattr(self._source, "done", True) is False:
            await emit(e.Status(message=f"waits for the end of {self._source.name}"))
            over: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._source.on_end(partial(over.set_result, None))
            await asyncio.shield(asyncio.wrap_future(over))
        before = getattr(self._source, "conversation", None)
        messages = list(
            await in_thread(lambda: getattr(self._source, "messages", self._source))
        )  # a session's are in its store
        items = before.items if isinstance(before, Conversation) else from_prompt(messages) if messages else []
        return Conversation.of(ended(items), prompt, messages)
