"""Waits between the attempts to send a request that got no answer.

One whose response has begun is never sent again.
"""

import email.utils
import random
import time
from collections.abc import Mapping

import openai

FIRST_WAIT_S = 0.5
"""Seconds before the first attempt again; each further wait is twice as long."""

MAX_WAIT_S = 8.0
"""Longest wait in seconds that nbagent chooses itself."""

MAX_RETRY_AFTER_S = 120.0
"""Longest wait in seconds that a server may ask for; the request fails at once where it asks for
more. The openai client's.
"""

_JITTER = 0.25
"""Share by which a wait is shortened at random, so that many clients do not come back at the same
moment.
"""
_TRANSIENT = frozenset({408, 409, 429})
"""HTTP statuses below 500 after which the same request may succeed later."""


class Backoff:
    """Decides whether a failed request is sent again, and how long to wait before that.

    The number of attempts is the client's own `max_retries`; the rules are those of the openai
    client.

    Args:
        max_retries: how often a request may be sent again.

    Attributes:
        notice: text for the reader about the latest wait.
    """

    def __init__(self, max_retries: int) -> None:
        self._max_retries = max_retries
        self._retries = 0
        self.notice = ""

    def after(self, error: Exception) -> float | None:
        """Return the seconds to wait before the next attempt; None if there is none.

        Args:
            error: why the request failed.
        """
        if self._retries >= self._max_retries or not _is_transient(error):
            return None
        self._retries += 1
        reason, seconds = "it asked to wait", retry_after(error)
        if seconds is None or seconds <= 0:
            reason, seconds = (
                "trying again in",
                float(min(FIRST_WAIT_S * 2 ** (self._retries - 1), MAX_WAIT_S)),
            )
            seconds *= 1 - _JITTER * random.random()  # noqa: S311 - no secret
        self.notice = f"{reason} {seconds:.3g} s ({self._retries} of {self._max_retries})"
        return seconds


def retry_after(error: BaseException) -> float | None:
    """Return the seconds after which the server takes requests again, by its headers; None if it
    does not say.

    Reads `retry-after-ms`, and `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3).
    """
    if not isinstance(error, openai.APIStatusError):
        return None
    headers: Mapping[str, str] = error.response.headers
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers.get(name, "")) * unit_s
        except ValueError:
            pass
    try:
        return (
            email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
            - time.time()
        )
    except (ValueError, OverflowError):
        return None


def is_refusal(error: BaseException) -> bool:
    """Return True if the server refuses requests for now because there are too many (429)."""
    return isinstance(error, openai.RateLimitError)


def _is_transient(error: Exception) -> bool:
    """Return True if the same request may succeed later."""
    if isinstance(error, openai.APIStatusError):
        if not (retry_after(error) or 0.0) <= MAX_RETRY_AFTER_S:  # NaN too
            return False
        advice = error.response.headers.get("x-should-retry")  # a header of OpenAI's own
        if advice not in ("true", "false"):
            return error.status_code in _TRANSIENT or error.status_code >= 500
        return advice == "true"
    return isinstance(error, openai.APIConnectionError)  # a time-out among them
