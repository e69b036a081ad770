"""`Service`: a service that limits requests and tokens a minute, in a time that it is told."""

from dataclasses import dataclass

BURST_S = 5.0
"""Seconds of its limit that the service takes at once."""


@dataclass
class Budget:
    """A limit that fills up continuously: a token bucket.

    Args:
        per_minute: the limit.
    """

    per_minute: float
    level: float = 0.0
    seen_at: float = 0.0

    def lacks_s(self, now: float, amount: float) -> float:
        """Return the seconds until an amount can be taken; 0 if it can be now."""
        rate = self.per_minute / 60
        self.level = min(BURST_S * rate, self.level + (now - self.seen_at) * rate)
        self.seen_at = now
        return max(0.0, (amount - self.level) / rate)


class Service:
    """Takes requests, each of some tokens, or refuses them.

    Args:
        requests: a minute.
        tokens: a minute.

    Attributes:
        accepted: times and tokens of the requests that were taken.
        refused: times of those that were refused.
    """

    def __init__(self, requests: float, tokens: float) -> None:
        self._requests = Budget(requests)
        self._tokens = Budget(tokens)
        self.accepted: list[tuple[float, float]] = []
        self.refused: list[float] = []

    def limit(self, requests: float, tokens: float) -> None:
        """Change the limits."""
        self._requests.per_minute, self._tokens.per_minute = requests, tokens

    def ask(self, now: float, tokens: float) -> float:
        """Take a request, or return the seconds after which it may be sent again."""
        wait = max(self._requests.lacks_s(now, 1), self._tokens.lacks_s(now, tokens))
        if wait > 0:
            self.refused.append(now)
            return wait
        self._requests.level -= 1
        self._tokens.level -= tokens
        self.accepted.append((now, tokens))
        return 0.0
