"""Working memory: the part of a conversation that the model is sent with a new prompt."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
    text_of,
    to_chat,
)
from nbagent.agent.model.valid_history import valid_parts
from nbagent.agent.sessions.store import Summary
from nbagent.errors import NbagentError

BYTES_PER_TOKEN = 4
"""Bytes of UTF-8 text in a token, on average, in the tokenizers of today's models."""

TOKENS_PER_MESSAGE = 4
"""Tokens that frame a message or a call."""

TOKENS_PER_FILE = 1000
"""Tokens of a picture or another part of a message that is not text."""

OUTPUT_CHARS = 1000
"""Characters of a tool's output that are summarised."""

SUMMARY_REQUEST = "Summarise our conversation so far."

SUMMARISE = """\
You write the memory of an assistant. Summarise the conversation below for the assistant, who will \
not see it any more: the facts, names, numbers, decisions and preferences that later questions may \
refer to, and what is still open. Write plain sentences in the language of the conversation, at \
most {words} words, and nothing else."""

Summarise: TypeAlias = Callable[[str, str], Awaitable[str | None]]
"""Asks the model, with instructions and a text, and shows its answer to the reader.

Returns None if there is none.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A prompt and all that followed until the next one: its items begin with the prompt, and are
    valid by themselves.
    """

    id: str
    items: Sequence[Item]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A conversation before the new prompt, or the part of it that is sent.

    Attributes:
        exchanges: oldest first.
        summary: of some of the first exchanges, or None.
    """

    exchanges: Sequence[Exchange] = ()
    summary: Summary | None = None

    @property
    def items(self) -> list[Item]:
        """The items that are sent: those that stand for the summary, and those of the exchanges."""
        return [
            *_summary_items(self.summary),
            *(item for exchange in self.exchanges for item in exchange.items),
        ]

    def without_summarised(self) -> "Window":
        """Return the window without the exchanges that the summary stands for."""
        ids = [exchange.id for exchange in self.exchanges]
        if self.summary is None or self.summary.through not in ids:
            return Window(exchanges=self.exchanges)
        left = self.exchanges[ids.index(self.summary.through) + 1 :]
        return Window(exchanges=left, summary=self.summary)


class Memory(Protocol):
    """Chooses what the model is sent. It never separates a call from its result."""

    async def recent(self, past: Window, prompt: Sequence[Item], summarise: Summarise) -> Window:
        """Return the part of the past that is sent before the prompt.

        A new summary is kept in the session.
        """
        ...


@dataclass(frozen=True, slots=True)
class BufferWindow:
    """Sends the newest messages, the new prompt among them.

    Where the window begins inside a exchange, the prompt of this exchange comes first, so that a
    conversation begins with the user.

    Args:
        window_size: messages at most, counted as Chat Completions does: a result is a message of
            its own.
    """

    window_size: int = 20

    def __post_init__(self) -> None:
        _check_positive("window_size", self.window_size)

    async def recent(self, past: Window, prompt: Sequence[Item], summarise: Summarise) -> Window:
        """Return the newest messages of the past."""
        room = self.window_size - messages_in(prompt)
        kept: list[Exchange] = []
        for exchange in reversed(past.exchanges):
            size = messages_in(exchange.items)
            if size > room:
                kept += _end_of(exchange, room)
                break
            kept.append(exchange)
            room -= size
        return Window(exchanges=kept[::-1])


@dataclass(frozen=True, slots=True)
class SummaryBuffer:
    """Sends the newest exchanges, and a summary, made by the model, of those before.

    When the conversation does not fit the budget, the newest exchanges that fill at most half of it
    are kept, and those before are summarised, with what was summarised before.

    Args:
        budget: tokens of the conversation at most, with the new prompt; what the model reads beside
            it (instructions, tools, the calls of the running exchange) is not counted. Tokens are
            estimated: a quarter of the bytes of the text.
    """

    budget: int = 4000

    def __post_init__(self) -> None:
        _check_positive("budget", self.budget)

    async def recent(self, past: Window, prompt: Sequence[Item], summarise: Summarise) -> Window:
        """Return the summary and the newest exchanges."""
        past = past.without_summarised()
        asked = tokens_in(prompt)
        if tokens_in(past.items) + asked <= self.budget:
            return past
        share = self.budget // 4  # of the summary
        room = min(self.budget // 2, self.budget - share - asked)
        kept: list[Exchange] = []
        for exchange in reversed(past.exchanges):
            room -= tokens_in(exchange.items)
            if room < 0:
                break
            kept.append(exchange)
        kept.reverse()
        old = past.exchanges[: len(past.exchanges) - len(kept)]
        if share <= _FRAME_TOKENS or asked > self.budget - share:
            return Window(exchanges=kept)  # no room for a summary
        summary = past.summary
        if old:
            text = await summarise(SUMMARISE.format(words=share // 2), _written(past.summary, old))
            if text:
                summary = Summary(text=_cut(text, share - _FRAME_TOKENS), through=old[-1].id)
        return Window(exchanges=kept, summary=summary)


def check_memory(memory: Any) -> Memory | None:
    """Return an agent's `memory`.

    Raises:
        NbagentError: it is no memory.
    """
    if memory is None or callable(getattr(memory, "recent", None)):
        return memory  # type: ignore[no-any-return]
    raise NbagentError(f"memory must be BufferWindow(…), SummaryBuffer(…) or None, got {memory!r}")


def messages_in(items: Sequence[Item]) -> int:
    """Number of messages of the Chat Completions API."""
    return len(to_chat(items, ""))


def tokens_in(items: Sequence[Item]) -> int:
    """Estimate of the tokens of some items."""
    return sum(map(_tokens, items))


def _tokens(item: Item) -> int:
    if isinstance(item, Message):
        if isinstance(item.content, list):
            files = sum(part.get("type") not in _TEXT_PARTS for part in item.content)
        else:
            files = 0
        return TOKENS_PER_MESSAGE + _text_tokens(text_of(item)) + files * TOKENS_PER_FILE
    text: Any = getattr(item, "arguments", None) or text_of(item) or getattr(item, "item", "")
    return TOKENS_PER_MESSAGE + _text_tokens(
        text if isinstance(text, str) else msgspec.json.encode(text).decode()
    )


_TEXT_PARTS = ("text", "input_text", "output_text")


def _text_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _summary_items(summary: Summary | None) -> list[Item]:
    """Return the summary as an exchange: it has no more authority than the conversation that it
    stands for.
    """
    if summary is None:
        return []
    return [
        Message(role="user", content=SUMMARY_REQUEST),
        Message(role="assistant", content=summary.text),
    ]


_FRAME_TOKENS = tokens_in(_summary_items(Summary(text="", through="")))


def _end_of(exchange: Exchange, room: int) -> list[Exchange]:
    """Return the end of an exchange after its prompt, as far as there is room; [] if there is
    none.
    """
    parts = valid_parts(exchange.items)
    first = next((at for at, part in enumerate(parts) if is_of_model(part[0])), len(parts))
    prompt = [item for part in parts[:first] for item in part]
    room -= messages_in(prompt)
    answers: list[list[Item]] = []
    for part in reversed(parts[first:]):
        room -= messages_in(part)
        if room < 0:
            break
        answers.append(part)
    if not answers:
        return []
    items = prompt + [item for part in reversed(answers) for item in part]
    return [Exchange(id=exchange.id, items=items)]


def _written(summary: Summary | None, exchanges: Sequence[Exchange]) -> str:
    """Return a conversation as a text that is to be summarised."""
    lines = [f"Summary of what was before:\n{summary.text}"] if summary is not None else []
    for item in (item for exchange in exchanges for item in exchange.items):
        match item:
            case Message():
                lines.append(f"{item.role.capitalize()}: {text_of(item)}")
            case FunctionCallOutput(text=text) if text:
                lines.append(f"Tool's result: {_shortened(text, OUTPUT_CHARS)}")
            case FunctionCall(name=name, arguments=arguments):
                lines.append(f"Assistant calls {name}({_shortened(arguments, OUTPUT_CHARS)})")
    return "\n\n".join(lines)


def _shortened(text: str, chars: int) -> str:
    if len(text) <= chars:
        return text
    return f"{text[:chars]} … ({len(text) - chars:,} more characters)"


def _cut(text: str, tokens: int) -> str:
    """Return the beginning of a text that is estimated at no more than some tokens."""
    return text.encode("utf-8", "replace")[: tokens * BYTES_PER_TOKEN].decode("utf-8", "ignore")


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise NbagentError(f"{name} must be a whole number of at least 1, got {value!r}")
