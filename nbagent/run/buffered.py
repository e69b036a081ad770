"""The text of a run in larger pieces than its deltas."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from nbagent import events as e

_WORD_ENDS = " \t\n"
MAX_WORD_CHARS = 200
"""Characters after which a word is cut."""


class Chunker:
    """Joins small pieces of text into larger ones.

    Args:
        chars: the most characters that a piece may have; None collects until `flush`.
        words: end a piece only where a word ends. A word that is longer than a piece is cut.
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

    def feed(self, text: str) -> list[str]:
        """Add a text. Return the pieces that are full."""
        self._held.append(text)
        self._size += len(text)
        if self._chars is None or self._size < self._chars:
            return []
        held, start = "".join(self._held), 0
        pieces: list[str] = []
        while len(held) - start >= self._chars:
            end = start + self._chars
            if self._words:
                end = _word_end(held, start, end) or end
            pieces.append(held[start:end])
            start = end
        self._keep(held[start:])
        return pieces

    def flush(self, *, last: bool = False) -> list[str]:
        """Return the collected text up to the end of its last word as a piece, all of it if it is
        the `last`; [] if none.
        """
        held = "".join(self._held)
        end = len(held)
        if self._words and not last:
            end = _word_end(held, 0, len(held))
        if not end and len(held) > MAX_WORD_CHARS:
            end = len(held)
        self._keep(held[end:])
        if not end:
            return []
        return [held[:end]]

    def _keep(self, text: str) -> None:
        self._held = [text]
        self._size = len(text)


def _word_end(text: str, start: int, end: int) -> int:
    """Return the place after the last white space of a part of the text; 0 if there is none."""
    return 1 + max(text.rfind(mark, start, end) for mark in _WORD_ENDS)


class _OwnText:
    """The text of a run's own agent, in pieces, and the age of what is held back of it."""

    def __init__(self, chunker: Chunker, clock: Callable[[], float]) -> None:
        self._chunker = chunker
        self._clock = clock
        self._since = 0.0
        self._streamed: set[str] = set()  # ids of the open texts that have deltas

    def seconds_left(self, limit: float | None) -> float | None:
        """Return the seconds until what is held back is as old as the limit; None for any time."""
        if limit is None or not self._chunker.holds:
            return None
        return max(0.0, self._since + limit - self._clock())

    def feed(self, event: e.Event) -> list[str]:
        """Return the pieces that an event completes."""
        if event.parent_id is not None:
            return []
        if isinstance(event, e.TextDelta):
            if not self._chunker.holds:
                self._since = self._clock()
            self._streamed.add(event.id)
            return self._chunker.feed(event.delta)
        if isinstance(event, e.TextEnd):
            pieces = self._chunker.flush(last=True)
            if event.id not in self._streamed:
                pieces += self._chunker.feed(event.text or "")
                pieces += self._chunker.flush(last=True)
            self._streamed.discard(event.id)
            return pieces
        return []

    def flush(self, *, last: bool = False) -> list[str]:
        """Return what is held back up to its last word, all of it if it is the `last`."""
        self._since = self._clock()
        return self._chunker.flush(last=last)


def _check(seconds: float | None, chars: int | None) -> None:
    if (seconds is not None and not seconds > 0) or (chars is not None and chars < 1):
        raise ValueError(
            f"buffered() takes positive numbers; got seconds={seconds!r}, chars={chars!r}"
        )


async def buffered(
    events: AsyncGenerator[e.Event],
    seconds: float | None = 0.5,
    chars: int | None = None,
    *,
    words: bool = True,
) -> AsyncGenerator[list[str]]:
    """Yield the text of a run's own agent in larger pieces, as many at a time as are complete.

    A piece is complete when it has no room for the next word, when it is `seconds` old, and where a
    text ends.

    Args:
        events: of the run.
        seconds: age at which a piece is complete; None for any age.
        chars: the most characters of a piece; None for any number.
        words: end a piece only where a word ends. A word that is longer than a piece is cut.

    Raises:
        ValueError: `seconds` or `chars` is not positive.
    """
    _check(seconds, chars)
    answer = _OwnText(Chunker(chars, words=words), asyncio.get_running_loop().time)
    pending: asyncio.Task[e.Event] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            await asyncio.wait([pending], timeout=answer.seconds_left(seconds))
            if pending.done():
                event, pending = pending.result(), None
                pieces = answer.feed(event)
            else:
                pieces = answer.flush()
            if pieces:
                yield pieces
    except StopAsyncIteration:
        if pieces := answer.flush(last=True):
            yield pieces
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait([pending])
        await events.aclose()
