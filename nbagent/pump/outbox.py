"""A queue of ops for one reader, joined while they wait and cut into batches."""

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

from nbagent.protocol.json_size import json_size, truncate_to_bytes
from nbagent.protocol.ops import Op

BATCH_BYTES = 63 * 1024
"""Bytes of JSON in the ops of one batch: with the message around them they stay below 64 KB."""


class Outbox:
    """A queue of ops. It has no clock and no thread.

    Appends to one field become one append, and sets of one block become one set, as long as nothing
    else happened to that block in between. So the order within a block is kept, and the reader gets
    the same tree.
    """

    def __init__(self) -> None:
        self._queue: deque[list[Any]] = deque()
        self._last: dict[str, list[Any]] = {}
        self._offset = 0  # characters of the first text in the queue that have been taken
        self._sealed = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    def feed(self, ops: Iterable[Op]) -> bool:
        """Queue ops; return True if one of them changes state and so is worth sending at once,
        unlike text.
        """
        urgent = False
        for op in ops:
            last = self._last.get(op[1])
            if op[0] == "append":
                if last is not None and last[0] == "append" and last[2] == op[2]:
                    last[3].append(op[3])
                    continue
                if not op[3]:
                    continue
                entry: list[Any] = ["append", op[1], op[2], [op[3]], []]
            else:
                urgent = True
                if op[0] == "set" and last is not None and last[0] == "set":
                    last[2] = {**last[2], **op[2]}
                    continue
                entry = list(op)
            self._queue.append(entry)
            self._last[op[1]] = entry
        return urgent

    def seal(self) -> None:
        """Freeze the queued ops as one unit: later ops are not merged into them, and no batch mixes
        the two.
        """
        self._sealed = len(self._queue)
        self._last.clear()

    @property
    def sealed(self) -> bool:
        """True if some of the sealed ops are still queued."""
        return self._sealed > 0

    def drain(self, max_bytes: int | None = BATCH_BYTES) -> list[list[Any]]:
        """Take the next batch out of the queue.

        Args:
            max_bytes: bytes of JSON, as Jupyter writes it, that the batch may take; None takes
                everything. A text is cut to fit, and so is an op with several props; one prop that
                is larger than that goes alone.
        """
        batch: list[list[Any]] = []
        free: float = math.inf
        if max_bytes is not None:
            free = max_bytes
        while self._queue:
            entry = self._queue[0]
            if entry[0] == "append":
                op, size, done = self._take_text(entry, free, alone=not batch)
            else:
                op, size, done = _take_props(entry, free, alone=not batch)
            if op is not None:
                batch.append(op)
            free -= size
            if not done:
                break
            self._queue.popleft()
            if self._last.get(entry[1]) is entry:
                del self._last[entry[1]]
            if self._sealed:
                self._sealed -= 1
                if not self._sealed:
                    break
        return batch

    def _take_text(
        self, entry: list[Any], free: float, *, alone: bool
    ) -> tuple[list[Any] | None, float, bool]:
        """Return an append of as much of the entry's text as fits, at least one character if it is
        `alone`; see `_take_props`.

        The rest is not copied: otherwise a text of many batches would take quadratic time.
        """
        _, id, field, new, strings = entry
        strings.append("".join(new))
        new.clear()
        used = 24 + 6 * (len(id) + len(field))
        taken: list[str] = []
        while strings:
            text = strings[0]
            if free == math.inf:
                piece = text[self._offset :]
            else:
                min_chars = int(alone and not taken)
                piece, size = truncate_to_bytes(text, self._offset, int(free) - used, min_chars)
                used += size
            taken.append(piece)
            self._offset += len(piece)
            if self._offset < len(text):
                break
            self._offset = 0
            del strings[0]
        whole = "".join(taken)
        if not whole:
            return None, used, not strings
        return ["append", id, field, whole], used, not strings


def _take_props(
    entry: list[Any], free: float, *, alone: bool
) -> tuple[list[Any] | None, float, bool]:
    """Return the op with the props that fit (None if none does), its bytes, and whether nothing of
    the entry is left.
    """
    if free == math.inf:
        return entry, 0, True
    size = json_size(entry) + 2
    if size <= free:
        return entry, size, True
    if not alone:
        return None, 0, False
    if entry[0] == "close" or len(entry[-1]) < 2:
        return entry, size, True
    used = json_size([*entry[:-1], {}]) + 2
    now: dict[str, Any] = {}
    for field, value in entry[-1].items():
        used += json_size({field: value})
        if now and used > free:
            break
        now[field] = value
    op = [*entry[:-1], now]
    rest = {field: value for field, value in entry[-1].items() if field not in now}
    entry[:] = ["set", entry[1], rest]
    return op, free, not rest
