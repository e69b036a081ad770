"""`Pace`: how fast requests are sent to a service that refuses some of them (429).

Services limit requests and tokens a minute, and tell neither. While nothing is refused there is no
pace. From the first refusal on, requests are spaced out.

A refusal means that the service's budget is used up, whichever it is. So what it took between two
refusals, divided by the time, is its limit in requests of this map, exactly: the budget was used up
at both moments. After a refusal the pace begins a little below that limit, and rises slowly above
it, so that a refusal is rare; when it has been above for a while, the limit must be another one,
and the pace doubles every few seconds. The slow rise ends soon enough for a limit 20 times as high
to be reached in 30 s. So one request in 19 s or so is refused: 1 % at 300 requests a minute, 3 % at
100, 0.2 % at 2,000, and a few more where refusals come late.

A count that is far from the last one comes from a limit that has changed meanwhile, and tells
neither. Then, and while too few requests are counted, the pace is halved, as TCP does (RFC 5681,
section 3.1), and doubles again. A request that was sent before the last refusal and is refused
after it belongs to the count that is over.
"""

import math

MIN_PAUSE_S = 1.0
"""Seconds that all requests wait at least after a refusal, so that the service has some budget."""

MAX_PAUSE_S = 120.0
"""Seconds that all requests wait at most after a refusal."""

TELLING_REQUESTS = 10
"""Requests between two refusals that tell the limit."""

LIKE_THE_LAST = 0.25
"""Share of the limit by which the next count may differ where the limit is the same."""

LOWEST_SHARE = 0.95
"""Share of the limit at which the pace begins after a refusal."""

HIGHEST_SHARE = 1.05
"""Share of the limit at the end of the slow rise."""

RISE_S = 17.0
"""Seconds of the slow rise."""

SHORTEST_S = 1.0
"""Seconds over which requests are counted at least."""

FIRST_RATE = 1.0
"""Requests a second after a refusal before which none was taken."""

LOWEST_RATE = 0.1
"""Requests a second that are sent at least."""

DOUBLING_S = 2.5
"""Seconds in which the pace doubles where the limit is unknown."""

MOST_DOUBLINGS = 8.0
"""Doublings since a refusal at most: a pace that is never reached does not grow without bound."""


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
        self._refused_at = -math.inf
        self._taken = 0
        self._counted_from = math.inf
        self._counted_s = 0.0
        self._began = -math.inf
        self._is_known = False

    @property
    def opens_at(self) -> float:
        """Time from which the next request may be sent."""
        return max(self.resumes_at, self._next_at)

    def rate(self, now: float) -> float:
        """Return the requests a second that are sent now."""
        if self.limit is None:
            return math.inf
        passed = max(0.0, now - self._began)
        share = 1.0
        if self._is_known:
            share = LOWEST_SHARE + (HIGHEST_SHARE - LOWEST_SHARE) * min(1.0, passed / RISE_S)
            passed = max(0.0, passed - RISE_S)
        doublings = min(MOST_DOUBLINGS, passed / DOUBLING_S)
        return float(self.limit * share * 2**doublings)

    def sent(self, now: float) -> None:
        """Note that a request is sent."""
        self._counted_from = min(self._counted_from, now)
        self._taken += 1
        self._next_at = max(now, self._next_at) + 1 / self.rate(now)

    def refused(self, now: float, sent_at: float, retry_after_s: float | None = None) -> bool:
        """Note that the service has refused a request.

        Args:
            now: seconds.
            sent_at: when the request was sent.
            retry_after_s: seconds after which the service takes requests again; None if it does not
                say.

        Returns:
            True if this is a new refusal; False if the request was sent before the last one.
        """
        self.refusals += 1
        pause = min(MAX_PAUSE_S, max(MIN_PAUSE_S, retry_after_s or 0.0))
        self.resumes_at = max(self.resumes_at, now + pause)
        if sent_at <= self._refused_at:
            self._count_less(sent_at)
            return False
        self._taken -= 1
        if self.limit is None:
            self.limit = self._first_limit(now)
            self._count_from(now)
        elif self._taken < TELLING_REQUESTS:
            self._halve(now)  # and the count goes on
        else:
            self._learn(now)
            self._count_from(now)
        self._refused_at = now
        self._began = self._next_at = self.resumes_at
        return True

    def _first_limit(self, now: float) -> float:
        """Return half of the requests a second that were sent."""
        if self._taken <= 0:
            return FIRST_RATE
        rate = self._taken / max(SHORTEST_S, now - self._counted_from)
        return max(LOWEST_RATE, rate / 2)

    def _learn(self, now: float) -> None:
        """Take the count for the limit, or see by it that the limit has changed."""
        self._counted_s = now - self._counted_from
        counted = self._taken / self._counted_s
        limit = self.limit or counted
        if self._is_known and abs(counted - limit) > LIKE_THE_LAST * limit:
            self._halve(now)
        else:
            self._is_known = True
            self.limit = counted

    def _halve(self, now: float) -> None:
        """Go on with half of the pace, and look for the limit from there."""
        self.limit = max(LOWEST_RATE, self.rate(now) / 2)
        self._is_known = False

    def _count_from(self, now: float) -> None:
        self._counted_from = now
        self._taken = 0

    def _count_less(self, sent_at: float) -> None:
        """Take one request from its count: it was refused, too."""
        if sent_at > self._counted_from:
            self._taken -= 1
        elif self.limit is not None and self._is_known:
            self.limit = max(LOWEST_RATE, self.limit - 1 / self._counted_s)
