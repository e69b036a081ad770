"""Rules of all stores of conversations: names, errors, and texts that can be searched."""

import re
from collections import Counter
from collections.abc import Iterable

from nbagent.agent.model.input_items import Message, text_of
from nbagent.agent.sessions.store import Passage, Record
from nbagent.errors import SessionError

BEGINS_CHARS = 100
"""Characters of a session's first prompt that a list of sessions has."""

_WORD = re.compile(r"\w+")


def no_session() -> SessionError:
    """Return the error for a session that is not in its store."""
    return SessionError("the session is not in its store: it was deleted")


def name_taken(name: str) -> SessionError:
    """Return the error for a name that another session has."""
    return SessionError(
        f"another session is named {name!r}; choose another name, or delete that session"
    )


def free_name(names: Iterable[str]) -> str:
    """Return the first of "chat 1", "chat 2", … that is not among the names."""
    taken = set(names)
    return next(
        name for number in range(1, len(taken) + 2) if (name := f"chat {number}") not in taken
    )


def passages_of(records: Iterable[Record]) -> list[str]:
    """Return the texts of records that can be searched: what the user and the model said."""
    messages = (record.entry for record in records if isinstance(record.entry, Message))
    return [
        text
        for message in messages
        if message.role in ("user", "assistant") and (text := text_of(message))
    ]


def beginning_of(records: Iterable[Record]) -> str:
    """Return the beginning of the first prompt in the records; "" if there is none."""
    for record in records:
        if isinstance(record.entry, Message) and record.entry.role == "user":
            return " ".join(text_of(record.entry).split())[:BEGINS_CHARS]
    return ""


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return _WORD.findall(text.casefold())


def best_matches(query: str, passages: Iterable[Passage], limit: int) -> list[Passage]:
    """Return the passages with words of the query, most of them first, then the newest.

    A word may go on: "rain" finds "rainy".
    """
    wanted = set(words_of(query))
    found: list[tuple[int, float, Passage]] = []
    for passage in passages:
        words = Counter(words_of(passage.text))
        hits = sum(any(word.startswith(each) for word in words) for each in wanted)
        if hits:
            found.append((hits, passage.at, passage))
    found.sort(key=lambda entry: entry[:2], reverse=True)
    return [passage for _, _, passage in found[:limit]]
