"""`Pace`: how fast requests are sent to a service that refuses some of them (429).

Services limit requests and tokens a minute, and tell neither. While nothing is refused there is no
pace. From the first refusal on, requests are spaced out.

A refusal means that the service's budget is used up, whichever it is. So what it took between two
refusals, divided by the time, is its limit in requests of this map, exactly: the budget was used up
at both moments. After a refusal the pace begins a little below that limit, and rises slowly above
it, so that a refusal is rare; when it has been above for a while, the limit must be another one,
and the pace doubles every few seconds. Too few requests between two refusals tell no limit: then
the pace is halved, as TCP does (RFC 5681, section 3.1), and doubles again.
"""

import math

SAME_REFUSAL_S = 0.2
"""Seconds after a refusal in which others are counted with it: their requests were sent before."""

DEFAULT_PAUSE_S = 1.0
"""Seconds of the pause after a refusal that names none."""

MAX_PAUSE_S = 120.0
"""Seconds that all requests wait at most after a refusal."""

TELLING_REQUESTS = 10
"""Requests between two refusals that tell the limit."""

LOWEST_SHARE = 0.95
"""Share of the limit at which the pace begins after a refusal."""

HIGHEST_SHARE = 1.05
"""Share of the limit at the end of the slow rise."""

RISE_S = 15.0
"""Seconds of the slow rise at least."""

RISE_REQUESTS = 150
"""Requests of the slow rise at least."""

SHORTEST_S = 1.0
"""Seconds over which requests are counted at least."""

LOWEST_RATE = 0.1
"""Requests a second that are sent at least."""

DOUBLING_S = 4.0
"""Seconds in which the pace doubles where the limit is unknown."""


class Pace:
    """Spaces out requests. It owns no clock: each method is told the time in seconds.

    Attributes:
        limit: requests a second that the service took; None while that is unknown.
        refusals: requests that the service refused, in all.
        resumes_at: when the pause after a refusal ends.
    """

    def __init__(self) -> None:
        self.limit: float | None = None
        self.refusals = 0
        self.resumes_at = -math.inf
        self._next_at = -math.inf
        self._refused_at: float | None = None
        self._first_at: float | None = None
        self._taken = 0
        self._began = -math.inf
        self._is_known = False

    @property
    def opens_at(self) -> float:
        """When the next request may be sent."""
        return max(self.resumes_at, self._next_at)

    def rate(self, now: float) -> float:
        """Return the requests a second that are sent now."""
        if self.limit is None:
            return math.inf
        passed = max(0.0, now - self._began)
        if not self._is_known:
            return float(self.limit * 2 ** (passed / DOUBLING_S))
        rise_s = max(RISE_S, RISE_REQUESTS / self.limit)
        risen = LOWEST_SHARE + (HIGHEST_SHARE - LOWEST_SHARE) * min(1.0, passed / rise_s)
        doublings = max(0.0, passed - rise_s) / DOUBLING_S
        return float(self.limit * risen * 2**doublings)

    def sent(self, now: float) -> None:
        """Note that a request is sent."""
        if self._first_at is None:
            self._first_at = now
        self._taken += 1
        self._next_at = max(now, self._next_at) + 1 / self.rate(now)

    def refused(self, now: float, retry_after_s: float | None = None) -> bool:
        """Note that the service has refused a request.

        Args:
            now: seconds.
            retry_after_s: seconds after which the service takes requests again; None if it does not
                say.

        Returns:
            True if this is a new refusal, and not one of the same moment as another.
        """
        self.refusals += 1
        self._taken -= 1
        pause = DEFAULT_PAUSE_S if retry_after_s is None else max(0.0, retry_after_s)
        self.resumes_at = max(self.resumes_at, now + min(MAX_PAUSE_S, pause))
        before = self._refused_at
        if before is not None and now - before < SAME_REFUSAL_S:
            return False
        self._is_known = before is not None and self._taken >= TELLING_REQUESTS
        if before is not None and self._is_known:
            self.limit = self._taken / (now - before)
        else:
            self.limit = self._halved(now)
        self._refused_at = now
        self._taken = 0
        self._began = self._next_at = self.resumes_at
        return True

    def _halved(self, now: float) -> float:
        """Return half of the requests a second that were sent."""
        rate = self.rate(now)
        if self.limit is None:
            first_at = now if self._first_at is None else self._first_at
            rate = self._taken / max(SHORTEST_S, now - first_at)
        return max(LOWEST_RATE, rate / 2)
