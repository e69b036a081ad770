"""`Rate`: how many requests a client may send."""

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_CLIENTS = 10_000
"""Clients that are remembered; those that have sent nothing for the longest time are forgotten
first.
"""


class Rate:
    """A bucket of tokens for each client: it holds `burst`, and gets `per_s` of them each second.

    A request takes one.

    Args:
        per_s: requests per second in the long run.
        burst: requests at once.
        now: clock, in seconds.
    """

    def __init__(
        self, per_s: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now = now
        # tokens, and when they were counted
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str = "") -> float:
        """Take a token. Return 0, or the seconds until there is one."""
        now = self._now()
        tokens, counted = self._clients.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted) * self._per_s)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_s
        self._clients[client] = (tokens if wait else tokens - 1, now)
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        return wait
