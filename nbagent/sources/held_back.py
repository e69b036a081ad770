"""`HeldBack`: notices that the events of a served run came in one piece, since something on the way
buffers them.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any

HELD_BACK_S = 2.0
"""Seconds that a stream must have been held back to be reported."""

MESSAGE = (
    "The stream arrived in one piece at its end: something between here and the server buffers it "
    "(nginx: proxy_buffering off)"
)


class HeldBack:
    """Adds a warning before the end of a run whose events came all at once, though they happened
    one after the other.

    A server of nbagent sends the first event at once, also of a run that has ended already. So a
    first event that is waited for was held back. Clocks of two machines are not compared.
    """

    def __init__(self) -> None:
        self._asked = time.monotonic()
        self._first: float | None = None  # when the first event came
        self._began = 0.0  # when it happened, by the server's clock

    def feed(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield the items. Those that are no events of nbagent's own are passed on."""
        for item in items:
            happened = item.get("ts") if isinstance(item, dict) else None
            if isinstance(happened, float):
                now = time.monotonic()
                if self._first is None:
                    self._first, self._began = now, happened
                lasted = happened - self._began
                is_late = (
                    min(lasted, self._first - self._asked) >= HELD_BACK_S
                    and now - self._first < lasted / 2
                )
                if is_late and item.get("type") == "run.end":
                    yield {"type": "status", "message": MESSAGE, "level": "warning", "ts": happened}
            yield item
