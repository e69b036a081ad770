"""Long-term memory: what the model looks up of earlier turns, and of other sessions."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from nbagent.agent.sessions.store import Passage, Store
from nbagent.agent.tools.tool import AnyTool, Tool, in_thread
from nbagent.errors import NbagentError
from nbagent.gate import secrets

StorageScope: TypeAlias = Literal["session", "shared"]

PASSAGES = 8
"""Most passages of one `recall`."""

PASSAGE_CHARS = 1500
"""Most characters of a passage."""


@dataclass(frozen=True, slots=True)
class LongTerm:
    """Gives the model two tools: `recall`, which searches what was said and remembered, and
    `remember`, which keeps a fact.

    Args:
        storage_scope: `"session"` searches and keeps within the session; a run without one has no
            such tools. `"shared"` searches the agent's whole store, and keeps facts for all its
            sessions.

    Raises:
        NbagentError: there is no such scope.
    """

    storage_scope: StorageScope = "session"

    def __post_init__(self) -> None:
        if self.storage_scope not in get_args(StorageScope):
            raise NbagentError(
                f"storage_scope must be 'session' or 'shared', got {self.storage_scope!r}"
            )

    def tools(self, store: Store, session: str | None) -> dict[str, AnyTool]:
        """Return the tools by name.

        Args:
            store: that is searched.
            session: id of the session that goes on, or None.
        """
        scope = None if self.storage_scope == "shared" else session

        async def recall(query: str) -> str:
            """Searches earlier conversations and remembered facts, also those that you do not see
            any more.

            Args:
                query: words that occur in what is sought.
            """
            found = await in_thread(partial(store.search, query, scope, PASSAGES))
            # a fork has the same messages again
            apart = {passage.text: passage for passage in reversed(found)}
            return (
                "\n\n".join(map(_shown, reversed(apart.values())))
                or "Nothing was found; try other words."
            )

        async def remember(fact: str) -> str:
            """Keeps a fact for later, such as a preference of the user or a decision.

            Args:
                fact: one sentence that is understood without its context.
            """
            await in_thread(partial(store.remember, secrets.mask(fact), scope))
            return "Remembered."

        made: list[AnyTool] = [Tool(recall), Tool(remember)]
        return {tool.name: tool for tool in made}


def _shown(passage: Passage) -> str:
    day = time.strftime("%Y-%m-%d", time.localtime(passage.at))
    where = f"{day}, {passage.session}" if passage.session else day
    text = passage.text
    return f"[{where}] {text if len(text) <= PASSAGE_CHARS else text[:PASSAGE_CHARS] + ' …'}"


def check_longterm(longterm: Any) -> LongTerm | None:
    """Return an agent's `longterm`.

    Raises:
        NbagentError: it is no long-term memory.
    """
    if longterm is None or isinstance(longterm, LongTerm):
        return longterm
    raise NbagentError(
        f"longterm must be LongTerm('session'), LongTerm('shared') or None, got {longterm!r}"
    )
