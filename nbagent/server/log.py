"""`shorten`: bounds what a refused request leaves in the log of a library."""

import logging
import traceback

from nbagent.gate import secrets

MAX_CHARS = 2_000
"""Characters of a message at most."""


def shorten(record: logging.LogRecord) -> bool:
    """Make a log record one line, without secrets: its error in place of the traceback.

    Returns True, which keeps it.

    A client chooses how deep its body is nested, and so how long the traceback of a parser would
    be.
    """
    text = record.getMessage()
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        places = [f" at {frame.filename}:{frame.lineno}" for frame in last]
        text = f"{text}: {type(error).__name__}{''.join(places)}: {error}"
    line = " ".join(secrets.mask(text).split())
    record.msg = line if len(line) <= MAX_CHARS else f"{line[: MAX_CHARS - 1]}…"
    record.args = record.exc_info = record.exc_text = None
    return True
