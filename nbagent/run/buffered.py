"""Text in pieces of a size and at a pace that suit whoever takes them."""

import asyncio
from collections.abc import AsyncGenerator

from nbagent import events as e

_WORD_ENDS = " \t\n"
LONGEST_WORD = 200
"""Characters after which a word is cut all the same."""


class Chunker:
    """Joins small pieces of text into larger ones. Pure.

    Args:
        chars: characters that make a piece; None waits for `flush`.
        words: whether a piece ends only where a word does.
    """

    def __init__(self, chars: int | None = None, *, words: bool = True) -> None:
        self._chars = chars
        self._words = words
        self._held: list[str] = []
        self._size = 0

    @property
    def holds(self) -> bool:
        """Whether something waits."""
        return self._size > 0

    def feed(self, text: str) -> str:
        """A piece, if there is one now; else nothing."""
        self._held.append(text)
        self._size += len(text)
        return "" if self._chars is None or self._size < self._chars else self.flush()

    def flush(self, *, last: bool = False) -> str:
        """What waits, up to the last word's end; all of it if it is the `last`."""
        held = "".join(self._held)
        end = len(held) if last or not self._words else 1 + max(held.rfind(mark) for mark in _WORD_ENDS)
        if not end and len(held) > LONGEST_WORD:
            end = len(held)
        self._held = [held[end:]]
        self._size = len(held) - end
        return held[:end]


async def buffered(
    events: AsyncGenerator[e.Event], seconds: float | None = 0.5, chars: int | None = None, *, words: bool = True
) -> AsyncGenerator[list[str]]:
    """The text of a run's own agent in larger pieces, as batches of one.

    A piece comes when it has `chars` characters, when it is `seconds` old, and where a text ends. A text that came whole comes
    at its end.

    Args:
        events: of the run.
        seconds: how long a piece may wait; None for as long as it takes.
        chars: characters that make a piece; None for any number.
        words: whether a piece ends only where a word does.

    Raises:
        ValueError: `seconds` or `chars` is not positive.
    """
    if (seconds is not None and not seconds > 0) or (chars is not None and chars < 1):
        raise ValueError(f"buffered() takes positive numbers; got seconds={seconds!r}, chars={chars!r}")
    clock = asyncio.get_running_loop().time
    chunker = Chunker(chars, words=words)
    streamed: set[str] = set()  # of the texts that are open
    since = 0.0
    coming: asyncio.Task[e.Event] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            left = None if seconds is None or not chunker.holds else since + seconds - clock()
            done, _ = await asyncio.wait([coming], timeout=None if left is None else max(0.0, left))
            piece = ""
            if not done:
                piece, since = chunker.flush(), clock()
            else:
                event = coming.result()
                coming = None
                if isinstance(event, e.TextDelta) and event.parent_id is None:
                    since = since if chunker.holds else clock()
                    streamed.add(event.id)
                    piece = chunker.feed(event.delta)
                elif isinstance(event, e.TextEnd) and event.parent_id is None:
                    whole = "" if event.id in streamed else event.text or ""
                    piece = chunker.flush(last=True) + whole
                    streamed.discard(event.id)
            if piece:
                yield [piece]
    except StopAsyncIteration:
        if piece := chunker.flush(last=True):
            yield [piece]
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait([coming])
        await events.aclose()
