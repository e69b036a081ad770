"""`BufferingDetector`: notices that the stream of a served run came in one piece, since something
on the way buffers it.
"""

import re
import time

from nbagent import events as e
from nbagent.run_context import CURRENT_RUN

HELD_BACK_S = 2.0
"""Seconds that a stream must have been held back to be reported."""

MESSAGE = (
    "The stream arrived in one piece at its end: something between here and the server buffers it "
    "(nginx: proxy_buffering off)"
)

_COMMENT = re.compile(r"sent over (\d+\.\d+) s")


def sent_over(seconds: float) -> bytes:
    """Return the comment of an event stream that says for how long its server has been sending it.

    A server of nbagent writes it before the last events. Clients ignore comments.
    """
    return f": sent over {seconds:.1f} s\n\n".encode()


class BufferingDetector:
    """Compares for how long a stream was sent with how long it took to arrive.

    A stream that was waited for, and came in less than half of that time, was held back. Clocks of
    two machines are not compared, and a server without the comment is not judged.
    """

    def __init__(self) -> None:
        self._asked = time.monotonic()
        self._first: float | None = None  # when the first bytes came

    def feed(self, comment: str) -> bool:
        """Take the arrival of some bytes. Return True if the stream was held back.

        Args:
            comment: the last comment in them, or before.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = now
        found = _COMMENT.fullmatch(comment)
        if found is None:
            return False
        sent_s = float(found[1])
        is_long = min(sent_s, self._first - self._asked) >= HELD_BACK_S
        return is_long and now - self._first < sent_s / 2

    def report(self, comment: str) -> None:
        """Take the arrival of some bytes, and say in the run around it if they were held back."""
        around = CURRENT_RUN.get()
        if self.feed(comment) and around is not None:
            around.report(e.Status(message=MESSAGE, level="warning"))
