"""The text of a run in larger pieces than its deltas."""

import asyncio
from collections.abc import AsyncGenerator

from nbagent import events as e

_WORD_ENDS = " \t\n"
MAX_WORD_CHARS = 200
"""Characters after which a word is cut."""


class Chunker:
    """Joins small pieces of text into larger ones.

    Args:
        chars: characters of a piece; None collects until `flush`.
        words: end a piece only where a word ends.
    """

    def __init__(self, chars: int | None = None, *, words: bool = True) -> None:
        self._chars = chars
        self._words = words
        self._held: list[str] = []
        self._size = 0

    @property
    def holds(self) -> bool:
        """True if there is text to flush."""
        return self._size > 0

    def feed(self, text: str) -> str:
        """Add a text. Return a piece if there are enough characters, else ""."""
        self._held.append(text)
        self._size += len(text)
        return "" if self._chars is None or self._size < self._chars else self.flush()

    def flush(self, *, last: bool = False) -> str:
        """Return the collected text up to the end of its last word; all of it if it is the `last`."""
        held = "".join(self._held)
        end = len(held) if last or not self._words else 1 + max(held.rfind(mark) for mark in _WORD_ENDS)
        if not end and len(held) > MAX_WORD_CHARS:
            end = len(held)
        self._held = [held[end:]]
        self._size = len(held) - end
        return held[:end]


async def buffered(
    events: AsyncGenerator[e.Event], seconds: float | None = 0.5, chars: int | None = None, *, words: bool = True
) -> AsyncGenerator[list[str]]:
    """Yield the text of a run's own agent in larger pieces, as batches of one.

    A piece is complete when it has `chars` characters, when it is `seconds` old, and where a text ends. A text without deltas
    is one piece.

    Args:
        events: of the run.
        seconds: age at which a piece is complete; None for any age.
        chars: characters of a piece; None for any number.
        words: end a piece only where a word ends.

    Raises:
        ValueError: `seconds` or `chars` is not positive.
    """
    if (seconds is not None and not seconds > 0) or (chars is not None and chars < 1):
        raise ValueError(f"buffered() takes positive numbers; got seconds={seconds!r}, chars={chars!r}")
    clock = asyncio.get_running_loop().time
    chunker = Chunker(chars, words=words)
    streamed: set[str] = set()  # ids of the open texts that have deltas
    since = 0.0
    pending: asyncio.Task[e.Event] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            left = None if seconds is None or not chunker.holds else since + seconds - clock()
            done, _ = await asyncio.wait([pending], timeout=None if left is None else max(0.0, left))
            piece = ""
            if not done:
                piece, since = chunker.flush(), clock()
            else:
                event = pending.result()
                pending = None
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
        if pending is not None:
            pending.cancel()
            await asyncio.wait([pending])
        await events.aclose()
